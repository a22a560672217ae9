//! What a measure came to: one JSON line.

use std::io::Write;

use crate::Done;
use crate::table::MEASURES;

/// How a figure is compared with its goal.
#[derive(Clone, Copy)]
pub enum Goal {
    /// Ours over what is beside it, or more.
    RatioAtLeast(f64),
    /// Ours over what is beside it, or less.
    RatioAtMost(f64),
    /// Ours itself, whatever is beside it.
    AtLeast(f64),
    /// Ours itself, whatever is beside it.
    AtMost(f64),
}

impl Goal {
    /// What it is of, as the table reads it, and its number.
    fn parts(self) -> (&'static str, f64) {
        match self {
            Self::RatioAtLeast(goal) => ("ratio_at_least", goal),
            Self::RatioAtMost(goal) => ("ratio_at_most", goal),
            Self::AtLeast(goal) => ("at_least", goal),
            Self::AtMost(goal) => ("at_most", goal),
        }
    }

    /// Without anything beside it there is no ratio that could meet a goal.
    fn is_met(self, ours: f64, ratio: Option<f64>) -> bool {
        match self {
            Self::RatioAtLeast(goal) => ratio.is_some_and(|ratio| ratio >= goal),
            Self::RatioAtMost(goal) => ratio.is_some_and(|ratio| ratio <= goal),
            Self::AtLeast(goal) => ours >= goal,
            Self::AtMost(goal) => ours <= goal,
        }
    }
}

/// A measure and its repeats.
pub struct Measure {
    pub name: &'static str,
    pub unit: &'static str,
    pub goal: Goal,
    /// How much there was of what, for a measure whose cost could grow with it.
    pub scale: Option<(usize, &'static str)>,
    /// How many were refused, of a measure whose goal is that none is.
    pub refused: Option<usize>,
    ours: Vec<f64>,
    beside: Vec<f64>,
    p99_ms: Vec<f64>,
}

impl Measure {
    pub fn new(name: &'static str, unit: &'static str, goal: Goal) -> Self {
        let (ours, beside, p99_ms) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, unit, goal, scale: None, refused: None, ours, beside, p99_ms }
    }

    /// Adds one repeat of each.
    pub fn pair(&mut self, ours: f64, beside: f64) {
        say(&format!("{}: {ours:.3} beside {beside:.3} {}", self.name, self.unit));
        self.ours.push(ours);
        self.beside.push(beside);
    }

    /// Adds one repeat of a measure that nothing stands beside.
    pub fn alone(&mut self, ours: f64) {
        say(&format!("{}: {ours:.3} {}", self.name, self.unit));
        self.ours.push(ours);
    }

    /// Adds what 99 of a hundred of our answers took at most.
    pub fn p99(&mut self, millis: f64) {
        self.p99_ms.push(millis);
    }

    /// Writes the line; medians, and the ratio of the medians.
    ///
    /// # Errors
    /// If the list of measures lacks it, or nothing was measured.
    pub fn print(&self) -> Done<()> {
        if !MEASURES.iter().any(|(name, _)| *name == self.name) {
            return Err(format!("{} is not in the list of measures", self.name).into());
        }
        let ours = median(&self.ours).ok_or("nothing was measured")?;
        let beside = median(&self.beside);
        let ratio = beside.map(|beside| ours / beside);
        let (goal_is, goal) = self.goal.parts();
        let met = self.goal.is_met(ours, ratio) && self.refused.unwrap_or(0) == 0;
        let mut line = serde_json::json!({
            "name": self.name,
            "ours": rounded(ours),
            "beside": beside.map(rounded),
            "unit": self.unit,
            "ratio": ratio.map(rounded),
            "goal": goal,
            "goal_is": goal_is,
            "met": met,
            "runs": { "ours": all_rounded(&self.ours), "beside": all_rounded(&self.beside) },
        });
        if let Some((scale, of)) = self.scale {
            line["scale"] = scale.into();
            line["scale_of"] = of.into();
        }
        if let Some(refused) = self.refused {
            line["refused"] = refused.into();
        }
        if let Some(p99_ms) = median(&self.p99_ms) {
            line["p99_ms"] = rounded(p99_ms).into();
        }
        print(&line)
    }
}

/// Writes a line of the results.
pub fn print(line: &serde_json::Value) -> Done<()> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// The middle one, or the mean of the two in the middle; none of nothing.
fn median(runs: &[f64]) -> Option<f64> {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (below, above) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some(f64::midpoint(*sorted.get(below)?, *sorted.get(above)?))
}

/// Parts of a whole keep two digits more.
fn rounded(number: f64) -> f64 {
    let places = if number.abs() < 1.0 { 100_000.0 } else { 1000.0 };
    (number * places).round() / places
}

fn all_rounded(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().copied().map(rounded).collect()
}

/// Progress, for whoever waits; losing it is no fault.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
