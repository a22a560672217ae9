//! The measures there are, and the table of what they came to: Markdown from the lines of a run. The
//! suite holds that the README's table is the one of the committed lines.

use std::fmt::Write;

use serde_json::Value;

/// Every measure: its name, and what it means to somebody who does not know it.
pub const MEASURES: [(&str, &str); 27] = [
    (
        "ranking_read",
        "a county's board of 50 rows over HTTP, beside a bare handler with the same bytes",
    ),
    ("ranking_304", "the same, asked by somebody who has it already"),
    (
        "p99_read",
        "how long 99 of 100 of those reads take at most, 64 connections, beside the bare handler",
    ),
    (
        "claim_submit",
        "claims over HTTP, durable when answered, beside pgbench writing the same rows",
    ),
    ("p99_claim", "how long 99 of 100 of those claims take at most, 64 connections"),
    ("redeem_hot", "256 phones want one prize, beside pgbench on the hot row"),
    ("redeem_spread", "256 phones want many prizes, beside pgbench on the same rows"),
    (
        "weekly_close",
        "closing a week, of so many claims, beside the same rows by set-based SQL without caps",
    ),
    ("weekly_close_growth", "closing a week with ten times the claims, beside a tenth"),
    (
        "board_build_county",
        "a county's board built anew, beside one window query over so many households",
    ),
    ("board_build_county_grids", "its board of grids"),
    ("board_build_county_category", "its board of one category"),
    (
        "board_build_province",
        "a province's board built anew, beside one window query over so many households",
    ),
    ("board_build_province_grids", "its board of grids"),
    ("board_build_province_category", "its board of one category"),
    (
        "sqlite_claim",
        "claims over HTTP on SQLite, beside one writer that inserts the same rows, a transaction a claim",
    ),
    (
        "redis_stopped_good",
        "part of the reads that succeed while Redis is stopped, beside the time before",
    ),
    ("redis_stopped_p99", "how long 99 of 100 of them take at most, beside the time before"),
    ("redis_stopped_claims", "claims meanwhile, none of them refused, beside the time before"),
    (
        "simulated_year",
        "a county's year lived through, with every check; the same rows when all is done three days late",
    ),
    ("cold_start", "from the start of the process to its first answer, beside a bare server"),
    ("idle_rss", "memory of an idle server on SQLite, beside a bare server"),
    ("idle_rss_postgres", "memory of an idle server on PostgreSQL and Redis, beside a bare server"),
    ("boards_rss", "what all public boards of a county add to that, beside the bytes they have"),
    ("scale_claim", "a claim over HTTP with so many households, beside a single county"),
    ("scale_read", "a board read over HTTP with so many households, beside a single county"),
    ("scale_close", "closing a household's week with so many households, beside a single county"),
];

/// What the table stands between in the README.
const BEGIN: &str = "<!-- bench: begin -->\n";
const END: &str = "<!-- bench: end -->\n";

/// The table of the lines of a run, under a sentence about the machine.
///
/// # Errors
/// For a line that is none of a measure, and if there is no line of the machine.
pub fn table(results: &str) -> Result<String, String> {
    let lines = results.lines().filter(|line| !line.trim().is_empty());
    let lines: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
    let lines = lines.map_err(|error| error.to_string())?;
    let machine = lines.iter().find(|line| line["name"] == "machine");
    let mut text = heading(machine.ok_or("no line says which machine it was")?);
    text += "\n| measure | what it is | ours | beside | ratio | goal | met |\n";
    text += "|---|---|--:|--:|--:|--:|---|\n";
    for (name, meaning) in MEASURES {
        let rows = lines.iter().filter(|line| line["name"] == name);
        let rows: String = rows.map(|line| row(name, meaning, line)).collect();
        text += &match rows.is_empty() {
            true => format!("| `{name}` | {meaning} | | | | | not measured |\n"),
            false => rows,
        };
    }
    let known = |line: &&Value| MEASURES.iter().any(|(name, _)| line["name"] == *name);
    match lines.iter().find(|line| line["name"] != "machine" && !known(line)) {
        Some(line) => Err(format!("{} is no measure", line["name"])),
        None => Ok(text),
    }
}

/// `document` with the table of these lines between its two marks.
///
/// # Errors
/// As [`table`], and if the marks are not there.
pub fn put_into(document: &str, results: &str) -> Result<String, String> {
    let (before, rest) = document.split_once(BEGIN).ok_or("no mark where the table begins")?;
    let (_, after) = rest.split_once(END).ok_or("no mark where the table ends")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(results)?))
}

fn heading(machine: &Value) -> String {
    let word = |name: &str| machine[name].as_str().unwrap_or("?");
    let mut text = format!(
        "Measured on {}: {} with {} cores and {} GiB, Linux {}, PostgreSQL {}, Redis {}. \
         Ours and what is beside it took turns; these are medians.\n",
        word("day"),
        word("processor"),
        machine["cores"],
        number(&machine["memory_gib"]).unwrap_or_default(),
        word("kernel"),
        word("postgres"),
        word("redis")
    );
    let debug = (word("profile") != "release").then_some("an unoptimised build");
    let quick = (machine["quick"] == true).then_some("a short run on a tenth of the county");
    let lesser: Vec<_> = debug.into_iter().chain(quick).collect();
    if !lesser.is_empty() {
        let _ = writeln!(text, "\n**No figures to go by: {}.**", lesser.join(", "));
    }
    text
}

fn row(name: &str, meaning: &str, line: &Value) -> String {
    let unit = line["unit"].as_str().unwrap_or_default();
    let with_unit =
        |value: &Value| number(value).map(|it| format!("{it} {unit}").trim().to_owned());
    let goal = line["goal"].as_f64().map(|goal| match line["goal_is"].as_str() {
        Some("ratio_at_least") => format!("ratio ≥ {goal}"),
        Some("ratio_at_most") => format!("ratio ≤ {goal}"),
        Some("at_least") => format!("≥ {goal} {unit}").trim().to_owned(),
        _ => format!("≤ {goal} {unit}").trim().to_owned(),
    });
    let scale = number(&line["scale"]).map_or(String::new(), |scale| {
        format!(" ({scale} {})", line["scale_of"].as_str().unwrap_or_default().trim())
    });
    let met = match line["met"].as_bool() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let cells = [
        Some(format!("`{name}`")),
        Some(format!("{meaning}{scale}")),
        with_unit(&line["ours"]),
        with_unit(&line["beside"]),
        number(&line["ratio"]),
        goal,
        Some(met.to_owned()),
    ];
    let cells = cells.map(Option::unwrap_or_default).join(" | ");
    format!("| {cells} |\n")
}

/// Three digits that count, and thousands apart.
fn number(value: &Value) -> Option<String> {
    let number = value.as_f64()?;
    let digits = match number.abs() {
        _ if value.is_u64() || number.fract() == 0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        // Parts of a whole that is almost there.
        size if (0.99..1.0).contains(&size) => 4,
        _ => 2,
    };
    let plain = format!("{number:.digits$}");
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    Some(if fraction.is_empty() { text } else { format!("{text}.{fraction}") })
}
