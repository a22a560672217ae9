//! The rows of an uploaded roster: CSV or XLSX, read within limits on everything.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use calamine::{DataRef, Reader, Xlsx};
use encoding_rs::GB18030;

use super::roster_rows::{RosterError, error};
use crate::kernel::upload::Format;

/// At most this many rows below the header.
pub const ROWS_MAX: usize = 60_000;
const COLUMNS_MAX: usize = 64;
/// What a cell holds beyond this many characters is cut off: no field is as long.
const CELL_MAX: usize = 100;
/// A workbook of 60,000 rows unpacks to about half of this; its other parts are small.
const UNPACKED_MAX: u64 = 48 * 1024 * 1024;
const PART_MAX: u64 = 2 * 1024 * 1024;
const PARTS_MAX: usize = 200;

const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A roster file: CSV as UTF-8 or GB 18030, or XLSX; at most 4 MiB.
pub struct RosterFile;

impl Format for RosterFile {
    const BYTES_MAX: usize = 4 * 1024 * 1024;
    const MEDIA: &'static [&'static str] = &[CSV, XLSX];
}

/// A row that is not blank.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// The line in the text file or the row of the spreadsheet, from 1.
    pub line: u32,
    /// Trimmed texts, by position.
    pub cells: Vec<String>,
}

/// All rows with anything in them, the header among them.
///
/// # Errors
/// A file that is not what its media type says, or too large when it is unpacked.
pub fn rows_of(media: &str, bytes: &[u8]) -> Result<Vec<Row>, RosterError> {
    let rows = if media == XLSX { xlsx(bytes)? } else { csv(bytes)? };
    match rows.get(ROWS_MAX + 1) {
        Some(row) => Err(error(row.line, "", "too_many_rows", "at most 60,000 rows")),
        None => Ok(rows),
    }
}

fn unreadable(line: u32, detail: &str) -> RosterError {
    error(line, "", "unreadable", detail)
}

fn cell(text: &str) -> String {
    text.trim().chars().filter(|c| *c != '\0').take(CELL_MAX).collect()
}

fn csv(bytes: &[u8]) -> Result<Vec<Row>, RosterError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').into(),
        // What a Chinese Excel saves; a byte order mark of UTF-16 is obeyed, too.
        Err(_) => match GB18030.decode(bytes) {
            (text, _, false) => text,
            _ => return Err(unreadable(1, "neither UTF-8 nor GB 18030")),
        },
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| unreadable(1, "not CSV"))?;
        let line = record.position().map_or(1, |position| line(&text, position));
        if record.len() > COLUMNS_MAX {
            return Err(unreadable(line, "more than 64 columns"));
        }
        let cells: Vec<_> = record.iter().map(cell).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(Row { line, cells });
        }
        if rows.len() > ROWS_MAX + 1 {
            break;
        }
    }
    Ok(rows)
}

/// The line on which a record begins: the reader counts from the blank lines before it.
fn line(text: &str, position: &csv::Position) -> u32 {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| **byte == b'\n').count() as u64;
    u32::try_from(position.line() + blank).unwrap_or(u32::MAX)
}

fn xlsx(bytes: &[u8]) -> Result<Vec<Row>, RosterError> {
    measure(bytes)?;
    let odd = |_| unreadable(1, "not a readable XLSX workbook");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(odd)?;
    let names = book.sheet_names();
    let first = names.first().ok_or_else(|| unreadable(1, "the workbook has no sheet"))?;
    // Cell by cell: the area that a sheet claims to cover may be far larger than what is in it.
    let mut reader = book.worksheet_cells_reader(first).map_err(odd)?;
    let mut rows = BTreeMap::<u32, Vec<String>>::new();
    while let Some(next) = reader.next_cell().map_err(odd)? {
        let (row, column) = next.get_position();
        let text = cell(&shown(next.get_value()));
        if text.is_empty() {
            continue;
        }
        let at = usize::try_from(column).unwrap_or(usize::MAX);
        if at >= COLUMNS_MAX {
            return Err(unreadable(row + 1, "more than 64 columns"));
        }
        let cells = rows.entry(row + 1).or_default();
        cells.resize(cells.len().max(at + 1), String::new());
        if let Some(cell) = cells.get_mut(at) {
            *cell = text;
        }
        if rows.len() > ROWS_MAX + 1 {
            break;
        }
    }
    Ok(rows.into_iter().map(|(line, cells)| Row { line, cells }).collect())
}

/// The value of a cell, of a formula the one it had when the file was saved.
fn shown(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        // Phones and numbers are often kept as numbers; from 16 digits on they have lost some.
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::DateTimeIso(text) => text.split('T').next().unwrap_or_default().to_owned(),
        DataRef::SharedString(text) => text.chars().take(2 * CELL_MAX).collect(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(at) => {
            let (year, month, day, ..) = at.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// Unpacks every part of the workbook into nothing and counts: what the archive says of its own sizes
/// need not be true.
fn measure(bytes: &[u8]) -> Result<(), RosterError> {
    let odd = || unreadable(1, "not a readable XLSX workbook");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| odd())?;
    if archive.len() > PARTS_MAX {
        return Err(unreadable(1, "the workbook has too many parts"));
    }
    let mut left = UNPACKED_MAX;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| odd())?;
        let name = part.name().map_err(|_| odd())?.to_lowercase();
        // Styles and the like are held in memory many times as large as they are.
        let large = name.starts_with("xl/worksheets/") || name.starts_with("xl/sharedstrings");
        let most = if large { left } else { left.min(PART_MAX) };
        let size = io::copy(&mut part.take(most + 1), &mut io::sink()).map_err(|_| odd())?;
        if size > most {
            return Err(unreadable(1, "the workbook is too large when it is unpacked"));
        }
        left -= size;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_as_chinese_excel_saves_it() {
        let text = "户号,姓名\r\n\r\n17, 张守勤 \n,\n18,\"王\n明娜\"\n19,李\n";
        let (gb, ..) = GB18030.encode(text);
        let marked = format!("\u{feff}{text}");
        let expected = rows_of(CSV, text.as_bytes()).expect("rows");
        for bytes in [gb.as_ref(), marked.as_bytes()] {
            assert_eq!(rows_of(CSV, bytes).expect("rows"), expected);
        }
        let lines: Vec<_> = expected.iter().map(|row| row.line).collect();
        assert_eq!(lines, [1, 3, 5, 7]);
        assert_eq!(expected[1].cells, ["17", "张守勤"]);
    }

    #[test]
    fn what_is_not_a_table_is_refused() {
        let wide = vec!["x"; 65].join(",");
        let long = "1\n".repeat(ROWS_MAX + 2);
        for (media, bytes, code) in [
            (CSV, b"\xff\xff\xff".to_vec(), "unreadable"),
            (CSV, wide.into_bytes(), "unreadable"),
            (CSV, long.into_bytes(), "too_many_rows"),
            (XLSX, b"PK\x03\x04".to_vec(), "unreadable"),
            (XLSX, b"text".to_vec(), "unreadable"),
            (XLSX, Vec::new(), "unreadable"),
        ] {
            assert_eq!(rows_of(media, &bytes).expect_err("refused").code, code);
        }
        let most = "1\n".repeat(ROWS_MAX + 1);
        assert_eq!(rows_of(CSV, most.as_bytes()).expect("rows").len(), ROWS_MAX + 1);
    }
}
