//! The columns of a roster, and what is found wrong in its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::sheet::Row;

/// At most this many errors are told.
const ERRORS_MAX: usize = 1000;

/// One thing that is wrong in a roster. Never repeats a phone or ID number.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RosterError {
    /// The line in the text file or the row of the spreadsheet, from 1.
    #[schema(example = 17)]
    pub row: u32,
    /// The column by its header; an unknown one by its letter; empty for the row as a whole.
    #[schema(example = "手机号")]
    pub column: String,
    #[schema(example = "malformed")]
    pub code: String,
    #[schema(example = "not a mainland mobile number of 11 digits")]
    pub detail: String,
}

pub fn error(row: u32, column: &str, code: &str, detail: impl Into<String>) -> RosterError {
    RosterError { row, column: column.to_owned(), code: code.to_owned(), detail: detail.into() }
}

/// The columns: their field, Chinese and English headers, and whether they must be there.
const COLUMNS: [(&str, &str, bool); 8] = [
    ("户号", "number", true),
    ("网格", "grid", true),
    ("姓名", "name", true),
    ("与户主关系", "relation", true),
    ("手机号", "phone", false),
    ("身份证号", "id_number", false),
    ("出生日期", "born_on", false),
    ("同意书", "consent", false),
];

/// What is wrong with a roster; a field goes by the header that the file has for it.
#[derive(Clone, Default)]
pub struct Findings {
    list: Vec<RosterError>,
    headers: BTreeMap<&'static str, &'static str>,
}

impl Findings {
    pub fn add(&mut self, row: u32, field: &'static str, code: &str, detail: impl Into<String>) {
        let column = self.headers.get(field).copied().unwrap_or(field);
        self.tell(error(row, column, code, detail));
    }

    pub fn tell(&mut self, error: RosterError) {
        if self.list.len() < ERRORS_MAX {
            self.list.push(error);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of it, from the top of the file to its end.
    pub fn list(mut self) -> Vec<RosterError> {
        self.list.sort_by_key(|it| it.row);
        self.list
    }
}

/// Where each field's column is.
#[derive(Default)]
pub struct Header(BTreeMap<&'static str, usize>);

impl Header {
    pub fn read(row: Option<&Row>, findings: &mut Findings) -> Self {
        let line = row.map_or(1, |row| row.line);
        let mut places = BTreeMap::new();
        for (at, header) in row.iter().flat_map(|row| row.cells.iter().enumerate()) {
            let header = header.nfkc().collect::<String>().to_lowercase();
            let header = header.trim();
            let known = COLUMNS.iter().find(|(zh, en, _)| header == *zh || header == *en);
            match known {
                None if header.is_empty() => {}
                // A header that is not known may be anything, a phone number too.
                None => findings.tell(error(line, &letter(at), "unknown_column", "no such column")),
                Some((zh, en, _)) => {
                    findings.headers.insert(en, if header == *zh { zh } else { en });
                    if places.insert(*en, at).is_some() {
                        findings.add(line, en, "repeated_column", "the column is there twice");
                    }
                }
            }
        }
        for (zh, en, required) in COLUMNS {
            if required && !places.contains_key(en) {
                findings.tell(error(line, zh, "missing_column", format!("`{zh}` or `{en}`")));
            }
        }
        Self(places)
    }
}

/// A row below its header.
pub struct Cells<'a> {
    pub row: &'a Row,
    pub header: &'a Header,
}

impl Cells<'_> {
    pub fn text(&self, field: &str) -> &str {
        let at = self.header.0.get(field);
        at.and_then(|at| self.row.cells.get(*at)).map_or("", String::as_str)
    }

    /// Tells of cells with something in them under no header.
    pub fn check_width(&self, findings: &mut Findings) {
        for (at, _) in self.row.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if !self.header.0.values().any(|known| *known == at) {
                let error = error(self.row.line, &letter(at), "unknown_column", "it has no header");
                findings.tell(error);
            }
        }
    }
}

/// How spreadsheets call a column: A … Z, AA …
fn letter(at: usize) -> String {
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).unwrap_or(0));
    match at / 26 {
        0 => letter(at).to_string(),
        over => format!("{}{}", letter(over - 1), letter(at)),
    }
}
