//! Tables that people open in Excel or WPS: CSV and XLSX, written row by row into a file that is gone
//! when it was sent, and nothing in them runs.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::web::{Bytes, block};
use futures::stream;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Outcome, Problem};

/// With what a table is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Text; with a mark at its beginning by which Excel reads Chinese.
    Csv,
    Xlsx,
}

impl ExportFormat {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    pub fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(i64),
    /// With one decimal.
    Decimal(f64),
    Nothing,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn decimal(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Decimal)
    }
}

/// Whether a program for spreadsheets could take a text for a formula: by its first character, or by the
/// first one that can be seen. Also the full-width signs, which Chinese input methods write.
pub fn looks_like_a_formula(text: &str) -> bool {
    let unseen =
        |c: &char| c.is_whitespace() || c.is_control() || ('\u{200b}'..='\u{200f}').contains(c);
    let signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let begins = text.starts_with(['\t', '\r', '\n']);
    begins
        || text.chars().find(|c| !unseen(c) && *c != '\u{feff}').is_some_and(|c| signs.contains(&c))
}

/// A table that is being written. It takes as much memory long as short.
pub struct Table(Written);

enum Written {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Xlsx(Box<Book>),
}

/// A spreadsheet has at most 1,048,576 rows a sheet; what is more goes on the next sheet.
const SHEET_ROWS_MAX: u32 = 1_000_000;
const BYTE_ORDER_MARK: &str = "\u{feff}";
const CHUNK: usize = 64 * 1024;

struct Book {
    workbook: Workbook,
    headings: Vec<String>,
    /// The row to be written next.
    row: u32,
    /// A text that stays one when somebody edits its cell.
    quoted: Format,
}

impl Table {
    /// Begins a table of these columns.
    pub fn begin(format: ExportFormat, headings: &[&str]) -> Outcome<Self> {
        let headings: Vec<_> = headings.iter().map(|it| (*it).to_owned()).collect();
        match format {
            ExportFormat::Csv => {
                let mut file = BufWriter::new(tempfile::tempfile().map_err(broken)?);
                file.write_all(BYTE_ORDER_MARK.as_bytes()).map_err(broken)?;
                let lines = csv::Terminator::CRLF;
                let mut csv = csv::WriterBuilder::new().terminator(lines).from_writer(file);
                csv.write_record(&headings).map_err(broken)?;
                Ok(Self(Written::Csv(Box::new(csv))))
            }
            ExportFormat::Xlsx => {
                let mut workbook = Workbook::new();
                // The same rows are the same bytes, whenever they are written.
                let made = ExcelDateTime::from_ymd(2024, 1, 1).map_err(broken)?;
                workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
                let quoted = Format::new().set_quote_prefix();
                let mut book = Book { workbook, headings, row: 0, quoted };
                book.add_sheet()?;
                Ok(Self(Written::Xlsx(Box::new(book))))
            }
        }
    }

    /// Writes rows, off the thread that answers requests.
    pub async fn rows(mut self, rows: Vec<Vec<Cell>>) -> Outcome<Self> {
        let written = block(move || {
            rows.iter().try_for_each(|row| self.row(row))?;
            Ok::<_, Problem>(self)
        });
        written.await.map_err(broken)?
    }

    fn row(&mut self, cells: &[Cell]) -> Outcome<()> {
        match &mut self.0 {
            Written::Csv(csv) => csv.write_record(cells.iter().map(plain)).map_err(broken),
            Written::Xlsx(book) => book.row(cells),
        }
    }

    /// The file, to be read from its beginning. It has no name, and is gone when it is closed.
    pub async fn finish(self) -> Outcome<File> {
        let finished = block(move || {
            let mut file = match self.0 {
                Written::Csv(csv) => {
                    let buffered = csv.into_inner().map_err(|error| broken(error.error()))?;
                    buffered.into_inner().map_err(|error| broken(error.error()))?
                }
                Written::Xlsx(mut book) => {
                    let file = tempfile::tempfile().map_err(broken)?;
                    book.workbook.save_to_writer(&file).map_err(broken)?;
                    file
                }
            };
            file.rewind().map_err(broken)?;
            Ok::<_, Problem>(file)
        });
        finished.await.map_err(broken)?
    }
}

impl Book {
    fn add_sheet(&mut self) -> Outcome<()> {
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(broken)?;
        sheet.set_freeze_panes(1, 0).map_err(broken)?;
        let bold = Format::new().set_bold();
        for (column, heading) in (0_u16..).zip(&self.headings) {
            // A Chinese character is two wide.
            let width = heading.chars().map(|c| if c.is_ascii() { 1.0 } else { 2.0 }).sum::<f64>();
            sheet.set_column_width(column, width.max(8.0) + 4.0).map_err(broken)?;
            sheet.write_string_with_format(0, column, heading, &bold).map_err(broken)?;
        }
        self.row = 1;
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> Outcome<()> {
        if self.row > SHEET_ROWS_MAX {
            self.add_sheet()?;
        }
        let last = self.workbook.worksheets().len().saturating_sub(1);
        let sheet = self.workbook.worksheet_from_index(last).map_err(broken)?;
        for (column, cell) in (0_u16..).zip(cells) {
            write(sheet, self.row, column, cell, &self.quoted).map_err(broken)?;
        }
        self.row += 1;
        Ok(())
    }
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell,
    quoted: &Format,
) -> Result<(), XlsxError> {
    // Every text as a string: the general `write` would look for formulas.
    match cell {
        Cell::Text(text) if looks_like_a_formula(text) => {
            sheet.write_string_with_format(row, column, text, quoted)?
        }
        Cell::Text(text) => sheet.write_string(row, column, text)?,
        // A spreadsheet knows no other numbers.
        Cell::Number(number) => sheet.write_number(row, column, *number as f64)?,
        Cell::Decimal(number) => sheet.write_number(row, column, *number)?,
        Cell::Nothing => sheet,
    };
    Ok(())
}

/// A cell of CSV. What could run gets an apostrophe, by which Excel and WPS know a text.
fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if looks_like_a_formula(text) => format!("'{text}"),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Decimal(number) => format!("{number:.1}"),
        Cell::Nothing => String::new(),
    }
}

fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::fault(format!("a table could not be written: {error}"))
}

/// The header by which a browser saves a file under `name`, and one that reads only ASCII under `plain`.
pub fn saved_as(name: &str, plain: &str) -> ContentDisposition {
    let extended = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: name.as_bytes().to_vec(),
    };
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![
            DispositionParam::Filename(plain.to_owned()),
            DispositionParam::FilenameExt(extended),
        ],
    }
}

/// Sends a file piece by piece, to one reader and past every cache.
pub fn send(file: File, format: ExportFormat, name: &ContentDisposition) -> Outcome<HttpResponse> {
    let length = file.metadata().map_err(broken)?.len();
    let pieces = stream::try_unfold(file, |file| async move {
        let read = block(move || {
            let mut piece = Vec::with_capacity(CHUNK);
            (&file).take(CHUNK as u64).read_to_end(&mut piece)?;
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        let more = (!piece.is_empty()).then(|| (Bytes::from(piece), file));
        Ok::<_, std::io::Error>(more)
    });
    let mut answer = HttpResponse::Ok();
    answer.content_type(format.media()).insert_header(name.clone());
    answer.insert_header(("Cache-Control", "private, no-store"));
    answer.insert_header(("X-Content-Type-Options", "nosniff"));
    Ok(answer.body(SizedStream::new(length, pieces)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_known_however_it_is_hidden() {
        for text in [
            "=1+1",
            "+86",
            "-5",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "＝cmd",
            "＋1",
            "－1",
            "＠x",
            " =1",
            "\u{3000}=1",
            "\u{200b}=1",
            "\u{feff}=1",
        ] {
            assert!(looks_like_a_formula(text), "{text:?}");
        }
        for text in ["", " ", "张*", "清扫村道 (=好)", "5-3", "a@b", "'=1"] {
            assert!(!looks_like_a_formula(text), "{text:?}");
        }
        assert_eq!(plain(&Cell::text("=1+1")), "'=1+1");
        assert_eq!(plain(&Cell::Number(-5)), "-5");
        assert_eq!(plain(&Cell::Decimal(31.9)), "31.9");
    }

    #[test]
    fn a_chinese_file_name_is_escaped_and_has_a_plain_one_beside_it() {
        let header = saved_as("积分.csv", "statistics.csv").to_string();
        let expected =
            "attachment; filename=\"statistics.csv\"; filename*=UTF-8''%E7%A7%AF%E5%88%86.csv";
        assert_eq!(header, expected);
    }
}
