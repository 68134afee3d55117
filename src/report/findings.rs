//! What a look at the whole says: one line for each thing, and one thing to do where something is wrong.

use std::borrow::Cow;
use std::fmt::Write;

use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::plural;

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was looked at, in a word.
    pub about: Cow<'static, str>,
    /// How it is.
    pub what: String,
    pub verdict: Verdict,
}

/// Whether a thing is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// It may be meant so; and what to do if it is not.
    Perhaps(String),
    /// It is not; and what to do.
    Wrong(String),
}

impl Finding {
    pub fn fine(about: impl Into<Cow<'static, str>>, what: impl Into<String>) -> Finding {
        Finding { about: about.into(), what: what.into(), verdict: Verdict::Fine }
    }

    pub fn perhaps(
        about: impl Into<Cow<'static, str>>,
        what: impl Into<String>,
        to_do: impl Into<String>,
    ) -> Finding {
        Finding { about: about.into(), what: what.into(), verdict: Verdict::Perhaps(to_do.into()) }
    }

    pub fn wrong(
        about: impl Into<Cow<'static, str>>,
        what: impl Into<String>,
        to_do: impl Into<String>,
    ) -> Finding {
        Finding { about: about.into(), what: what.into(), verdict: Verdict::Wrong(to_do.into()) }
    }

    pub fn is_wrong(&self) -> bool {
        matches!(self.verdict, Verdict::Wrong(_))
    }
}

/// As a person reads it.
pub fn findings_text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|f| f.about.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for Finding { about, what, verdict } in findings {
        let sign = match verdict {
            Verdict::Fine => "✓".green().to_string(),
            Verdict::Perhaps(_) => "–".yellow().to_string(),
            Verdict::Wrong(_) => "✗".red().to_string(),
        };
        let _ = writeln!(out, "{sign} {about:<width$}  {what}");
        if let Verdict::Perhaps(to_do) | Verdict::Wrong(to_do) = verdict {
            let _ = writeln!(out, "  {:width$}  {} {to_do}", "", "→".cyan());
        }
    }
    let wrong = findings.iter().filter(|f| f.is_wrong()).count();
    let sum = match wrong {
        0 => "all is well".green().bold().to_string(),
        n => format!("{} to see to", plural(n, "thing")).red().bold().to_string(),
    };
    let _ = writeln!(out, "\n{sum}");
    out
}

/// For other programs.
pub fn findings_json(findings: &[Finding]) -> Value {
    let all = findings.iter().map(|finding| {
        let (verdict, to_do) = match &finding.verdict {
            Verdict::Fine => ("fine", None),
            Verdict::Perhaps(to_do) => ("perhaps", Some(to_do)),
            Verdict::Wrong(to_do) => ("wrong", Some(to_do)),
        };
        json!({ "about": finding.about, "what": finding.what, "verdict": verdict, "to_do": to_do })
    });
    json!({
        "format_version": 1,
        "fine": !findings.iter().any(Finding::is_wrong),
        "findings": all.collect::<Vec<_>>(),
    })
}

/// `3.4 MB`, in powers of ten as disks are sold.
pub fn bytes(count: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if count < 1_000 {
        return plural(usize::try_from(count).unwrap_or(usize::MAX), "byte");
    }
    let mut amount = count as f64 / 1_000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < units.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", units[unit])
}
