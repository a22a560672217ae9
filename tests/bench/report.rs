//! What a measure came to: one JSON line.

use std::io::Write;

use crate::Done;

/// How a figure is compared with its goal.
#[derive(Clone, Copy)]
pub enum Goal {
    /// Ours over its floor, or more.
    RatioAtLeast(f64),
    /// Ours over its floor, or less.
    RatioAtMost(f64),
    /// Ours itself, whatever the floor does.
    AtMost(f64),
}

impl Goal {
    fn number(self) -> f64 {
        match self {
            Self::RatioAtLeast(goal) | Self::RatioAtMost(goal) | Self::AtMost(goal) => goal,
        }
    }

    fn is_met(self, ours: f64, ratio: f64) -> bool {
        match self {
            Self::RatioAtLeast(goal) => ratio >= goal,
            Self::RatioAtMost(goal) => ratio <= goal,
            Self::AtMost(goal) => ours <= goal,
        }
    }
}

/// A measure and its repeats.
pub struct Measure {
    pub name: &'static str,
    pub unit: &'static str,
    pub goal: Goal,
    /// How much there was of what was done, for a measure whose cost grows with it.
    pub scale: Option<usize>,
    ours: Vec<f64>,
    beside: Vec<f64>,
    p99_ms: Vec<f64>,
}

impl Measure {
    pub fn new(name: &'static str, unit: &'static str, goal: Goal) -> Self {
        let (ours, beside, p99_ms) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, unit, goal, scale: None, ours, beside, p99_ms }
    }

    /// Adds one repeat of each.
    pub fn pair(&mut self, ours: f64, beside: f64) {
        say(&format!("{}: {ours:.3} beside {beside:.3} {}", self.name, self.unit));
        self.ours.push(ours);
        self.beside.push(beside);
    }

    /// Adds what 99 of a hundred of our answers took at most.
    pub fn p99(&mut self, millis: f64) {
        self.p99_ms.push(millis);
    }

    /// Writes the line; medians, and the ratio of the medians.
    pub fn print(&self) -> Done<()> {
        let (ours, beside) = (median(&self.ours), median(&self.beside));
        let ratio = ours / beside;
        let mut line = serde_json::json!({
            "name": self.name,
            "ours": rounded(ours),
            "beside": rounded(beside),
            "unit": self.unit,
            "ratio": rounded(ratio),
            "goal": self.goal.number(),
            "met": self.goal.is_met(ours, ratio),
            "runs": { "ours": all_rounded(&self.ours), "beside": all_rounded(&self.beside) },
        });
        if let Some(scale) = self.scale {
            line["scale"] = scale.into();
        }
        if !self.p99_ms.is_empty() {
            line["p99_ms"] = rounded(median(&self.p99_ms)).into();
        }
        writeln!(std::io::stdout(), "{line}")?;
        Ok(())
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
    match sorted.len() {
        0 => f64::NAN,
        count => f64::midpoint(middle((count - 1) / 2), middle(count / 2)),
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn all_rounded(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().copied().map(rounded).collect()
}

/// Progress, for whoever waits; losing it is no fault.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
