//! The statistics of a bundle in one line of plain words.

use super::bundle::{BestTrial, BundleStatistics, CONFIDENCE};
use super::cscv::Overfitting;

/// PBO up to which choosing by the past counts as useful, and from which as useless. Bailey and
/// others (2015) set no limit; 0.5 is what drawing lots gives.
const PBO_USEFUL: f64 = 0.1;
const PBO_USELESS: f64 = 0.4;

/// Plateau score from which the neighbours count as about as good, and below which as no good.
const PLATEAU: f64 = 0.8;
const NEEDLE: f64 = 0.5;

/// How the best variant did on days that were kept back from the selection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HoldOut {
    /// Days kept back.
    pub days: usize,
    /// Total return over them, 0.1 is 10 %.
    pub total_return: f64,
}

/// One line about a bundle: its best variant, what luck alone would have found, whether choosing by
/// the past is of use, and the rest as far as it is known. `plateau` is that of the best variant
/// ([`super::surface::Neighbourhood::plateau`]).
#[must_use]
pub fn verdict(
    statistics: &BundleStatistics,
    hold_out: Option<HoldOut>,
    plateau: Option<f64>,
) -> String {
    let Some(best) = &statistics.best else {
        return if statistics.traded == 0 {
            "No variant traded, so there is nothing to judge.".to_owned()
        } else {
            format!("{} days are too few to judge by.", statistics.days)
        };
    };
    let mut sentences = if statistics.traded == 1 {
        alone(best)
    } else {
        vec![selected(best, statistics), luck(best, statistics)]
    };
    sentences.extend(statistics.overfitting.as_ref().map(overfitting));
    sentences.extend(together(best, statistics));
    sentences.extend(hold_out.map(held_out));
    sentences.extend(plateau.map(around));
    sentences.extend(patience(best, statistics.traded));
    sentences.join(" ")
}

fn alone(best: &BestTrial) -> Vec<String> {
    let mut sentences = vec![
        format!(
            "The variant of job {} is the only one that traded: Sharpe ratio {:.2} a year.",
            best.id, best.sharpe
        ),
        "Nothing was selected, so deflated Sharpe ratio and PBO do not apply.".to_owned(),
    ];
    if let Some(probability) = best.probabilistic_sharpe {
        sentences
            .push(format!("Its true ratio is above 0 with probability {}.", chance(probability)));
    }
    sentences
}

fn selected(best: &BestTrial, statistics: &BundleStatistics) -> String {
    let traded = statistics.traded;
    let luck = best.expected_maximum_sharpe.map_or_else(String::new, |luck| {
        format!(", where the best of {traded} useless ones would show about {luck:.2}")
    });
    format!(
        "The variant of job {} is the best of {traded} by Sharpe ratio: {:.2} a year{luck}.",
        best.id, best.sharpe
    )
}

fn luck(best: &BestTrial, statistics: &BundleStatistics) -> String {
    let (Some(all), Some(differing), Some(effective)) =
        (best.deflated_sharpe, best.deflated_sharpe_effective, statistics.effective)
    else {
        return "How much of that is luck cannot be told.".to_owned();
    };
    let judgement = if all >= CONFIDENCE {
        "more than luck explains"
    } else if differing >= CONFIDENCE {
        "more than luck explains only if variants that move together count once"
    } else {
        "luck explains it"
    };
    let clusters = effective.clusters;
    let beside = if clusters == statistics.traded {
        String::new()
    } else {
        format!(" ({} if only the {clusters} that differ count)", chance(differing))
    };
    format!("Deflated Sharpe ratio {}{beside}: {judgement}.", chance(all))
}

fn overfitting(overfitting: &Overfitting) -> String {
    let judgement = match overfitting.pbo {
        pbo if pbo <= PBO_USEFUL => "what was best stayed good",
        pbo if pbo < PBO_USELESS => "what was best stayed good more often than not",
        _ => "choosing by the past is no better than drawing lots",
    };
    format!("PBO {}: {judgement}.", chance(overfitting.pbo))
}

/// What luck and selection say together where one speaks for the variant and the other against it.
fn together(best: &BestTrial, statistics: &BundleStatistics) -> Option<String> {
    let (deflated, pbo) = (best.deflated_sharpe?, statistics.overfitting.as_ref()?.pbo);
    let words = if deflated >= CONFIDENCE && pbo >= PBO_USELESS {
        "Together: some of the variants earn more than luck explains, but which of them is best \
         cannot be told."
    } else if deflated < CONFIDENCE && pbo <= PBO_USEFUL {
        "Together: what is best stays best, but what it earns is not told from luck."
    } else {
        return None;
    };
    Some(words.to_owned())
}

fn held_out(hold_out: HoldOut) -> String {
    let percent = 100.0 * hold_out.total_return;
    format!("On {} days kept back it returned {percent:+.1} %.", hold_out.days)
}

fn around(plateau: f64) -> String {
    let judgement = match plateau {
        plateau if plateau >= PLATEAU => "its neighbours do about as well",
        plateau if plateau >= NEEDLE => "its neighbours do clearly worse",
        _ => "its neighbours do not do it, so it stands on a needle",
    };
    format!("Plateau {plateau:.2}: {judgement}.")
}

/// How long it takes until it is told from luck; nothing if it is.
fn patience(best: &BestTrial, traded: usize) -> Option<String> {
    let from = if traded == 1 { "0" } else { "luck" };
    match best.more_days {
        Some(0) => None,
        Some(days) => Some(format!("It needs {days} more days like these to be told from {from}.")),
        None => Some(format!("No number of further days like these would tell it from {from}.")),
    }
}

/// A probability with two digits; what would look certain is not.
fn chance(probability: f64) -> String {
    match probability {
        high if high >= 0.995 => "> 0.99".to_owned(),
        low if low < 0.005 => "< 0.01".to_owned(),
        between => format!("{between:.2}"),
    }
}
