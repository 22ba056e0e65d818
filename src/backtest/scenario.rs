//! What a scenario is: how the user said it, and the rules it comes down to.

use std::sync::Arc;

use serde_json::Value;

use super::presets::{ParamCount, PresetDefinition};
use super::rules::{Indicator, Operand, Rule, RuleSet};

/// When to enter and leave, fully concrete.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The user's label.
    pub name: Option<String>,
    /// How the user said it.
    pub origin: Origin,
    /// What it comes down to.
    pub rules: Arc<RuleSet>,
    /// Which side may be taken.
    pub direction: Direction,
}

/// The rules follow from the origin.
impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.origin == other.origin && self.direction == other.direction
    }
}

/// How a scenario was said.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A preset with parameters.
    Preset(Choice),
    /// Several presets that must agree.
    Combination(Combination),
    /// Rules of the user's own.
    Rules(OwnRules),
}

/// A preset with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The preset.
    pub preset: &'static PresetDefinition,
    /// One value per parameter, in the order of [`PresetDefinition::params`].
    pub params: Vec<f64>,
}

/// Presets whose signals are put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    /// The presets.
    pub members: Vec<Choice>,
    /// How many of them must agree.
    pub mode: Mode,
    /// For how many candles after its own a member's signal still counts.
    pub within: usize,
}

/// How many members of a combination must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every one.
    All,
    /// One.
    Any,
}

/// Rules of the user's own, with the values of this variant's parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRules {
    /// `indicators`, `long` and `short` as the user wrote them, with places for parameters.
    pub template: Arc<Value>,
    /// Names and values of the parameters, sorted by name.
    pub params: Vec<(String, f64)>,
}

/// Which side a scenario may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Buy first.
    Long,
    /// Sell first.
    Short,
    /// Either.
    Both,
}

impl Scenario {
    /// A preset on both sides, without a label.
    ///
    /// # Errors
    /// [`ParamCount`] if the parameters are not those of the preset.
    pub fn preset(preset: &'static PresetDefinition, params: &[f64]) -> Result<Self, ParamCount> {
        let choice = Choice { preset, params: params.to_vec() };
        let rules = Arc::new((preset.rules)(params)?);
        let origin = Origin::Preset(choice);
        Ok(Self { name: None, origin, rules, direction: Direction::Both })
    }
}

impl Combination {
    /// What the combination comes down to.
    ///
    /// A member votes for the side it signalled last, for as long as that counts. The combination
    /// enters where a member begins to signal and, with it, enough members vote for its side. Members
    /// leave no position: that is for the other side and the money management.
    ///
    /// # Errors
    /// [`ParamCount`] if the parameters of a member are not those of its preset.
    pub fn rules(&self) -> Result<RuleSet, ParamCount> {
        let mut indicators: Vec<Indicator> = Vec::new();
        let (mut long, mut short) = (Votes::default(), Votes::default());
        for (number, member) in self.members.iter().enumerate() {
            let mut rules = (member.preset.rules)(&member.params)?;
            rules.move_fields(indicators.len());
            for indicator in &mut rules.indicators {
                indicator.name = format!("{}{number}.{}", member.preset.name, indicator.name);
            }
            indicators.append(&mut rules.indicators);
            let nothing = || Rule::Any(vec![]);
            let up = rules.long.entry.unwrap_or_else(nothing);
            let down = rules.short.entry.unwrap_or_else(nothing);
            long.add(self.within, &up, &down);
            short.add(self.within, &down, &up);
        }
        Ok(RuleSet::entering(indicators, long.entry(self.mode), short.entry(self.mode)))
    }
}

/// What the members of a combination say for one side.
#[derive(Default)]
struct Votes {
    /// True where a member begins to signal the side.
    begins: Vec<Rule>,
    /// True while a member's last signal was for the side and still counts.
    votes: Vec<Rule>,
}

impl Votes {
    fn add(&mut self, within: usize, this: &Rule, other: &Rule) {
        let not_other = Rule::Not(Box::new(other.clone()));
        let alone = Rule::All(vec![this.clone(), not_other]);
        self.begins.push(Rule::Becomes(Box::new(alone)));
        let (this, other) = (Box::new(this.clone()), Box::new(other.clone()));
        self.votes.push(Rule::Latest { within, this, other });
    }

    fn entry(self, mode: Mode) -> Rule {
        let agreed = match mode {
            Mode::All => Rule::All(self.votes),
            Mode::Any => Rule::Any(self.votes),
        };
        Rule::All(vec![Rule::Any(self.begins), agreed])
    }
}

impl RuleSet {
    /// Moves every field to an indicator `by` places further on.
    fn move_fields(&mut self, by: usize) {
        for indicator in &mut self.indicators {
            move_operand(&mut indicator.source, by);
        }
        for side in [&mut self.long, &mut self.short] {
            for rule in [&mut side.entry, &mut side.exit].into_iter().flatten() {
                move_rule(rule, by);
            }
        }
    }
}

fn move_rule(rule: &mut Rule, by: usize) {
    match rule {
        Rule::Start => {}
        Rule::Compare(_, a, b) | Rule::CrossAbove(a, b) | Rule::CrossBelow(a, b) => {
            move_operand(a, by);
            move_operand(b, by);
        }
        Rule::Between(a, b, c) => {
            for operand in [a, b, c] {
                move_operand(operand, by);
            }
        }
        Rule::Rising(operand, _) | Rule::Falling(operand, _) => move_operand(operand, by),
        Rule::Within(_, rule) | Rule::Not(rule) | Rule::Becomes(rule) => move_rule(rule, by),
        Rule::All(rules) | Rule::Any(rules) => {
            for rule in rules {
                move_rule(rule, by);
            }
        }
        Rule::Latest { this, other, .. } => {
            move_rule(this, by);
            move_rule(other, by);
        }
    }
}

fn move_operand(operand: &mut Operand, by: usize) {
    match operand {
        Operand::Number(_) | Operand::Column(_) => {}
        Operand::Field { indicator, .. } => *indicator += by,
        Operand::Shift(operand, _) => move_operand(operand, by),
    }
}
