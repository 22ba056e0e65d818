//! The variants of a bundle by their parameters: a few bytes for each, however many there are.

use std::collections::HashMap;

use serde_json::Value;

use super::figures::range;
use super::setting::Setting;
use crate::store::RankedResult;

/// More parameters than this are not told apart.
const PARAMETERS_MAX: usize = 48;
/// Values of one parameter; further ones count as missing.
const VALUES_MAX: usize = u16::MAX as usize;

/// What varies, or does not, between variants.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    /// Its name, as short as it can be told from others.
    pub(super) name: String,
    /// Its values, sorted.
    pub(super) values: Vec<Setting>,
    /// Of each variant in the order of the ranking, which of the values it has.
    codes: Vec<u16>,
    known: HashMap<String, u16>,
}

impl Parameter {
    /// Which of its values a variant has.
    pub(super) fn code(&self, variant: usize) -> usize {
        self.codes.get(variant).copied().map_or(0, usize::from)
    }

    /// The value of a variant.
    pub(super) fn value(&self, variant: usize) -> &Setting {
        self.values.get(self.code(variant)).unwrap_or(&Setting::Missing)
    }

    /// Whether all of its values but missing ones are numbers.
    pub(super) fn is_numeric(&self) -> bool {
        self.values.iter().all(|value| !matches!(value, Setting::Text(_)))
    }

    fn push(&mut self, value: Setting) {
        let key = value.key();
        let next = self.values.len();
        let code = match self.known.get(&key) {
            Some(code) => *code,
            None if next < VALUES_MAX => {
                let code = u16::try_from(next).unwrap_or(0);
                self.known.insert(key, code);
                self.values.push(value);
                code
            }
            None => 0,
        };
        self.codes.push(code);
    }

    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        let value = |at: &usize| self.values.get(*at).unwrap_or(&Setting::Missing);
        order.sort_by(|one, two| value(one).order(value(two)));
        let mut place = vec![0_u16; order.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(place) = place.get_mut(*old) {
                *place = u16::try_from(new).unwrap_or(0);
            }
        }
        let sorted = order.iter().map(|at| value(at).clone()).collect();
        for code in &mut self.codes {
            *code = place.get(usize::from(*code)).copied().unwrap_or(0);
        }
        self.values = sorted;
        self.known = HashMap::new();
    }
}

/// All variants that have a result, in the order of their ranking.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    parameters: Vec<(String, Parameter)>,
    /// Sharpe ratios.
    pub(super) sharpe: Vec<Option<f64>>,
    /// Total returns.
    pub(super) total_return: Vec<Option<f64>>,
    /// Whether there were more parameters than are told apart.
    pub(super) is_cut: bool,
}

impl Grid {
    /// How many variants there are.
    pub(super) fn len(&self) -> usize {
        self.sharpe.len()
    }

    /// Appends the next variant of the ranking.
    pub fn push(&mut self, result: &RankedResult) {
        let before = self.len();
        let mut settings = vec![
            ("ticker".to_owned(), Setting::Text(result.ticker.clone())),
            ("timeframe".to_owned(), Setting::Text(result.timeframe.clone())),
            ("range".to_owned(), Setting::Text(range(result.from, result.until))),
        ];
        flatten("scenario", &read(&result.scenario), &mut settings);
        flatten("money", &read(&result.money_management), &mut settings);
        for (path, value) in settings {
            if let Some(parameter) = self.parameter(&path, before)
                && parameter.codes.len() == before
            {
                parameter.push(value);
            }
        }
        for (_, parameter) in &mut self.parameters {
            if parameter.codes.len() == before {
                parameter.push(Setting::Missing);
            }
        }
        self.sharpe.push(result.figure("sharpe"));
        self.total_return.push(result.figure("total_return"));
    }

    /// The parameter of a path; a new one was missing in the variants before.
    fn parameter(&mut self, path: &str, before: usize) -> Option<&mut Parameter> {
        let at = self.parameters.iter().position(|(known, _)| known == path);
        if at.is_none() {
            if self.parameters.len() >= PARAMETERS_MAX {
                self.is_cut = true;
                return None;
            }
            let mut new = Parameter {
                name: String::new(),
                values: Vec::new(),
                codes: Vec::new(),
                known: HashMap::new(),
            };
            (0..before).for_each(|_| new.push(Setting::Missing));
            self.parameters.push((path.to_owned(), new));
        }
        let at = at.unwrap_or(self.parameters.len() - 1);
        self.parameters.get_mut(at).map(|(_, parameter)| parameter)
    }

    /// Names and sorts the parameters, when all variants are there.
    pub fn finish(&mut self) {
        // Those of a later variant came last.
        self.parameters.sort_by_key(|(path, _)| match path.split('.').next() {
            Some("scenario") => 1,
            Some("money") => 2,
            _ => 0,
        });
        let short: Vec<String> = self.parameters.iter().map(|(path, _)| short(path)).collect();
        for (at, (path, parameter)) in self.parameters.iter_mut().enumerate() {
            let name = short.get(at).cloned().unwrap_or_default();
            let alone = short.iter().filter(|other| **other == name).count() == 1;
            parameter.name = if alone { name } else { path.replacen('.', " ", 1) };
        }
        for (_, parameter) in &mut self.parameters {
            parameter.sort();
        }
    }

    /// What varies, words before numbers. Of parameters that always change together the first one is
    /// given.
    pub(super) fn varying(&self) -> Vec<&Parameter> {
        let mut found: Vec<&Parameter> = Vec::new();
        for (_, parameter) in &self.parameters {
            let same = |other: &&&Parameter| go_together(other, parameter);
            if parameter.values.len() > 1 && !found.iter().any(|other| same(&other)) {
                found.push(parameter);
            }
        }
        found.sort_by_key(|parameter| parameter.is_numeric());
        found
    }

    /// What is the same in all variants.
    pub(super) fn constant(&self) -> impl Iterator<Item = &Parameter> {
        let all = self.parameters.iter().map(|(_, parameter)| parameter);
        all.filter(|parameter| {
            parameter.values.len() == 1 && parameter.values != [Setting::Missing]
        })
    }
}

/// Whether each value of one parameter comes with one value of the other, and the reverse.
fn go_together(one: &Parameter, two: &Parameter) -> bool {
    if one.values.len() != two.values.len() {
        return false;
    }
    let mut partner = vec![None; one.values.len()];
    let mut taken = vec![false; two.values.len()];
    one.codes.iter().zip(&two.codes).all(|(a, b)| {
        let Some(known) = partner.get_mut(usize::from(*a)) else { return false };
        match known {
            Some(known) => *known == *b,
            None => {
                *known = Some(*b);
                taken.get_mut(usize::from(*b)).is_some_and(|taken| !std::mem::replace(taken, true))
            }
        }
    })
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// `scenario.params.fast` is `fast`.
fn short(path: &str) -> String {
    let rest = path.split_once('.').map_or(path, |(_, rest)| rest);
    rest.strip_prefix("params.").unwrap_or(rest).to_owned()
}

/// The plain values in a JSON value, each with its path. A list of plain values is one value.
fn flatten(path: &str, value: &Value, found: &mut Vec<(String, Setting)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(&format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (at, value) in items.iter().enumerate() {
                flatten(&format!("{path}[{at}]"), value, found);
            }
        }
        plain => found.push((path.to_owned(), Setting::of(plain))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::report::figures::NONE;
    use crate::store::RANKED_FIGURES;

    /// A result with nothing but its parameters and a Sharpe ratio.
    pub(in crate::report) fn result(scenario: &Value, money: &Value, sharpe: f64) -> RankedResult {
        let mut figures = [Some(0.0); 20];
        figures[RANKED_FIGURES.iter().position(|name| *name == "sharpe").unwrap()] = Some(sharpe);
        RankedResult {
            rank: 1,
            job_id: 7,
            seq: Some(0),
            ticker: "T".to_owned(),
            timeframe: "1d".to_owned(),
            from: DateTime::UNIX_EPOCH,
            until: DateTime::UNIX_EPOCH,
            scenario: scenario.to_string(),
            money_management: money.to_string(),
            figures,
        }
    }

    #[test]
    fn parameters_are_named_shortly_and_sorted_by_size() {
        let mut grid = Grid::default();
        for (fast, stop) in [(10, json!(null)), (9, json!(2.5)), (100, json!(2.5))] {
            let scenario = json!({ "preset": "sma_cross", "params": { "fast": fast, "slow": 50 } });
            grid.push(&result(&scenario, &json!({ "stop_loss_pct": stop }), 1.0));
        }
        grid.finish();
        let varying = grid.varying();
        let text = |parameter: &Parameter| -> Vec<String> {
            parameter.values.iter().map(Setting::text).collect()
        };
        assert_eq!(
            varying.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
            ["fast", "stop_loss_pct"]
        );
        assert_eq!(text(varying[0]), ["9", "10", "100"]);
        assert_eq!(text(varying[1]), [NONE, "2.5"]);
        assert_eq!(
            (0..3).map(|at| varying[0].value(at).text()).collect::<Vec<_>>(),
            ["10", "9", "100"]
        );
        let mut constant: Vec<&str> = grid.constant().map(|p| p.name.as_str()).collect();
        constant.sort_unstable();
        assert_eq!(constant, ["preset", "range", "slow", "ticker", "timeframe"]);
    }

    #[test]
    fn what_always_changes_together_is_told_once_and_equal_names_are_told_apart() {
        let mut grid = Grid::default();
        for (name, preset, size) in [("a", "macd", 1), ("b", "rsi", 1), ("a", "macd", 2)] {
            let scenario = json!({ "name": name, "preset": preset, "params": { "size": size } });
            grid.push(&result(&scenario, &json!({ "size": 3 - size }), 1.0));
        }
        grid.push(&result(
            &json!({ "name": "a", "preset": "macd", "extra": [1, 2] }),
            &json!({}),
            1.0,
        ));
        grid.finish();
        let names: Vec<&str> = grid.varying().iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["name", "extra", "scenario params.size"]);
        assert_eq!(grid.varying()[1].value(3).text(), "[1,2]");
        assert_eq!(grid.varying()[1].value(0), &Setting::Missing);
    }
}
