//! What is said of a bundle: the statistics of its results, and a verdict in words.

use std::sync::Arc;

use anyhow::Context;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::BundleClosingConsumer;
use super::groups::JudgedGroup;
use super::surface::Around;
use crate::backtest::request::{Grid, read_json, read_universal_config};
use crate::consumers::requests::read_request;
use crate::domain::time::format_instant;
use crate::kinds::RunControl;
use crate::pipeline::Shutdown;
use crate::statistics::{HoldOut, verdict};
use crate::store::{BestRecord, EndedBundle, ResultGroup};

impl BundleClosingConsumer {
    /// What is said of the bundle: an object with `statistics` and `verdict`. `None` when a stop came
    /// first.
    pub(super) async fn judgement(
        &self,
        bundle: Uuid,
        ended: &EndedBundle,
        control: &Arc<RunControl>,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Option<Value>> {
        let [universal_config, ..] = &ended.request.columns;
        let config = read_universal_config(&read_json("universal_config", universal_config)?)?;
        let groups = self.store.result_groups(bundle, self.limits.ranks.max(1)).await?;
        let (mut first, mut others) = (None, Vec::new());
        for group in &groups.first {
            if shutdown.is_stopping() {
                return Ok(None);
            }
            let judged = match self.too_large(group) {
                Some(words) => Err(words),
                None => match self.judge_group(bundle, group, &config, control).await? {
                    Some(judged) => Ok(judged),
                    None => return Ok(None),
                },
            };
            match first {
                None => first = Some((group, judged)),
                Some(_) => others.push(group_to_json(group, &judged)),
            }
        }
        let walks = self.store.walk_forwards(bundle).await?;
        let (mut statistics, mut words) = match first {
            None => {
                (Map::new(), "No variant has a result, so there is nothing to judge.".to_owned())
            }
            Some((group, judged)) => {
                let mut statistics = group_to_json(group, &judged);
                let mut words = match judged {
                    Ok(judged) => self.say(&judged, ended, &mut statistics).await?,
                    Err(words) => format!("Not judged: {words}."),
                };
                words.extend(walks.iter().find_map(|walk| walked(walk, &statistics)));
                (statistics, words)
            }
        };
        statistics.insert("walk_forward".to_owned(), json!(walks));
        statistics.insert("groups".to_owned(), json!(groups.count));
        statistics.insert("other_groups".to_owned(), json!(others));
        statistics.append(&mut self.store.without_trades(bundle).await?);
        words.extend(too_little_warmup(&statistics));
        if groups.count > 1 {
            let count = groups.count;
            words += &format!(
                " It was also picked from {count} markets and ranges, which these figures do not count."
            );
        }
        Ok(Some(json!({ "statistics": statistics, "verdict": words })))
    }

    /// Why a group is not judged, if it is too large.
    fn too_large(&self, group: &ResultGroup) -> Option<String> {
        let most = self.limits.returns_bytes_max;
        (group.bytes > most).then(|| {
            format!(
                "its daily returns take {} MB, more than bundles.returns_mb_max allows, {}",
                group.bytes.div_ceil(1 << 20),
                most >> 20
            )
        })
    }

    /// Adds what concerns the best variant of the group alone, and puts all of it into words.
    async fn say(
        &self,
        judged: &JudgedGroup,
        ended: &EndedBundle,
        statistics: &mut Map<String, Value>,
    ) -> anyhow::Result<String> {
        let best = judged.statistics.best.as_ref().map(|best| best.id);
        let member = judged.members.iter().find(|member| Some(member.job_id) == best);
        let (mut hold_out, mut around, mut beside) = (Value::Null, None, None);
        if let Some(member) = member {
            let mut best = self.store.best_record(member.job_id).await?;
            let validation = best.as_mut().and_then(|best| best.validation.get_mut("holdout"));
            hold_out = validation.map(Value::take).unwrap_or_default();
            beside = best.as_ref().and_then(beside_holding);
            let grid = grid_around(ended, member.seq).await?;
            around = grid.and_then(|grid| Around::of(grid, &judged.members, member.seq));
        }
        let plateau = around.as_ref().and_then(Around::plateau);
        let mut words = verdict(&judged.statistics, told(&hold_out), plateau);
        words.extend(beside);
        statistics.insert("hold_out".to_owned(), hold_out);
        statistics.insert("surface".to_owned(), json!(around.map(|around| around.to_json())));
        Ok(words)
    }
}

/// What the best variant returned, and what buying and holding did.
fn beside_holding(best: &BestRecord) -> Option<String> {
    let (own, held) = (100.0 * best.total_return, 100.0 * best.buy_and_hold_return?);
    Some(format!(" It returned {own:+.1} %, buying and holding {held:+.1} %."))
}

/// How many variants never traded and began before their indicators had warmed up; nothing if none did.
fn too_little_warmup(statistics: &Map<String, Value>) -> Option<String> {
    let idle = statistics.get("zero_trades")?;
    let variants = idle.get("no_signals_and_too_little_warmup")?.as_u64()?;
    let many = if variants == 1 { "variant" } else { "variants" };
    Some(format!(
        " {variants} {many} without a trade had fewer candles before the range than the indicators need."
    ))
}

/// What a group is, and its statistics or why there are none.
fn group_to_json(group: &ResultGroup, judged: &Result<JudgedGroup, String>) -> Map<String, Value> {
    let mut object = match judged {
        Ok(judged) => {
            let statistics = serde_json::to_value(&judged.statistics).unwrap_or_default();
            let mut object = statistics.as_object().cloned().unwrap_or_default();
            object.insert("not_comparable".to_owned(), json!(judged.not_comparable));
            object
        }
        Err(words) => Map::from_iter([("not_computed".to_owned(), json!(words))]),
    };
    let from = format_instant(group.from.timestamp_millis());
    let until = format_instant(group.until.timestamp_millis());
    let market = [
        ("ticker", json!(group.ticker)),
        ("timeframe", json!(group.timeframe)),
        ("from", json!(from)),
        ("until", json!(until)),
    ];
    object.extend(market.map(|(key, value)| (key.to_owned(), value)));
    object
}

/// The grid that a variant of the bundle stands on; none where it varies over no numbers, or where
/// the bundle reads differently now.
async fn grid_around(ended: &EndedBundle, seq: u64) -> anyhow::Result<Option<Grid>> {
    let (asked, total) = (ended.request.clone(), ended.request.total);
    let read = move || {
        let request = read_request(&asked, u64::MAX).ok()?;
        (Some(request.jobs()) == total).then(|| request.grid_around(seq)).flatten()
    };
    tokio::task::spawn_blocking(read).await.context("read a bundle")
}

/// What is told in words of a run on the time kept back.
fn told(hold_out: &Value) -> Option<HoldOut> {
    let days = usize::try_from(hold_out.get("days")?.as_u64()?).ok()?;
    Some(HoldOut { days, total_return: hold_out.get("total_return")?.as_f64()? })
}

/// One more sentence on a walk-forward over the market and time of a group; none on any other.
fn walked(walk: &Value, group: &Map<String, Value>) -> Option<String> {
    let same =
        |at: &str, key: &str| walk.pointer(at).is_some_and(|found| Some(found) == group.get(key));
    if !(same("/ticker", "ticker")
        && same("/timeframe", "timeframe")
        && same("/range/from", "from")
        && same("/range/until", "until"))
    {
        return None;
    }
    let record = walk.get("out_of_sample")?;
    let percent = 100.0 * record.get("total_return")?.as_f64()?;
    let days = record.get("days")?.as_u64()?;
    let kept = record.get("efficiency").and_then(Value::as_f64);
    let kept =
        kept.map_or_else(String::new, |kept| format!(", {kept:.2} of the growth they promised"));
    Some(format!(
        " Walking forward, the variants chosen on the past returned {percent:+.1} % on {days} days \
         they had not seen{kept}."
    ))
}
