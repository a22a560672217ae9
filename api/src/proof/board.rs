//! `GET …/board`: the sheet that hangs in the village, A4, as a page that a browser prints.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use sea_orm::{FromQueryResult, Value};
use sha2::{Digest, Sha256};

use super::page;
use super::seal::Sealed;
use super::show::{place, ready, seal_of};
use crate::app::App;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::{escaped, masked};
use crate::labels;

const STYLE: &str = "@page { size: A4; margin: 15mm; @bottom-center { content: counter(page) ' / ' counter(pages); } }
body { font: 14px/1.5 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif; color: #000; max-width: 180mm; margin: 0 auto; }
h1 { font-size: 22px; text-align: center; margin: 0 0 4mm; }
table { border-collapse: collapse; width: 100%; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { border: 1px solid #000; padding: 1mm 2mm; text-align: center; }
th { font-size: 12px; }
.proof { display: flex; gap: 6mm; align-items: center; margin-top: 6mm; break-inside: avoid; }
.proof svg { width: 48mm; height: 48mm; flex: none; }
code { font-family: monospace; word-break: break-all; }";

/// The month's list for the notice board: names masked, points by household and category, how to object,
/// and what the list can be checked by
#[utoipa::path(tag = "proof", operation_id = "proofs_show_board",
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month")),
    responses((status = 200, body = String, content_type = "text/html",
        description = "A page to be printed on A4")))]
#[get("/v1/villages/{village}/public-lists/{month}/board")]
async fn show_board(request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let build = async { Ok(Board::load(&app, &village, month).await?.html()?.into_bytes()) };
    let key = format!("board:{{{village}}}:{month}");
    let ready = ready(&app, &village, &key, build).await?;
    static POLICY: OnceLock<String> = OnceLock::new();
    Ok(page(Bytes::clone(&ready.bytes), POLICY.get_or_init(policy)))
}

/// Nothing but this very style.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'")
}

/// A household as the board shows it.
#[derive(Default)]
struct Row {
    name: String,
    /// What is itemised in public, by category.
    by_category: BTreeMap<String, i64>,
    /// All of it, deductions included.
    points: i64,
}

struct Board {
    village: String,
    month: Month,
    opens_at: Instant,
    closes_at: Instant,
    seal: Sealed,
    rows: BTreeMap<i64, Row>,
}

impl Board {
    async fn load(app: &App, village: &Village, month: Month) -> Outcome<Self> {
        #[derive(FromQueryResult)]
        struct ListRow {
            name: String,
            opens_at: i64,
            closes_at: i64,
        }
        let seal = seal_of(app, village, month).await?;
        let sql = "SELECT r.name, l.opens_at, l.closes_at FROM public_lists l \
                   JOIN regions r ON r.code = l.village WHERE l.village = $1 AND l.month = $2";
        let key: [Value; 2] = [village.into(), month.to_string().into()];
        let list = db::one::<ListRow>(app.db.read(), sql, key).await?.ok_or(Code::NotFound)?;
        let rows = rows(app, village, month, seal.size).await?;
        let (opens_at, closes_at) = (Instant(list.opens_at), Instant(list.closes_at));
        Ok(Self { village: list.name, month, opens_at, closes_at, seal, rows })
    }

    fn html(&self) -> Outcome<String> {
        let Self { village, month, seal, .. } = self;
        let village = escaped(village);
        // The last day on which an objection is taken.
        let last = Instant(self.closes_at.0 - 1).day();
        let lines = seal.size;
        let (printed, _) = seal.root.split_at_checked(32).unwrap_or((&seal.root, ""));
        let mut html = format!(
            "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{village} {month} 积分公示</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <h1>{village} {} 年 {} 月积分公示</h1>\n\
             <p>公示时间：{} 至 {last}。本月共 {} 户 {lines} 条。</p>\n\
             <p>觉得哪一条不对，请在 {last} 24 点以前在小程序里提出异议，或当面告诉村积分监督管理委员会。\
             是谁提的，只有委员会知道。</p>\n",
            month.year,
            month.month,
            self.opens_at.day(),
            self.rows.len(),
        );
        self.table(&mut html);
        let _ = write!(
            html,
            "<p>合计含不逐条公开的事项，已减去经异议撤销的积分。</p>\n\
             <div class=\"proof\">{}<div><p>核对码：<code>{printed}</code></p>\n\
             <p>流水链：第 {} 笔 <code>{}</code></p>\n\
             <p>名单文件可在小程序里下载，用核对网页（verify.html，不联网也能用）自己算一遍：\
             算出的核对码应与此处相同。扫二维码得到签名的全文。</p></div></div>\n</body>\n</html>\n",
            code(&seal.text)?,
            seal.chain_length,
            escaped(&seal.chain_head),
        );
        Ok(html)
    }

    fn table(&self, html: &mut String) {
        if self.rows.is_empty() {
            html.push_str("<p>本月没有积分。</p>\n");
            return;
        }
        let used = |category: &&labels::Label| {
            self.rows.values().any(|row| row.by_category.contains_key(category.word))
        };
        let categories = labels::all().find(|it| it.name == "category");
        let categories: Vec<_> =
            categories.into_iter().flat_map(|it| it.words).filter(used).collect();
        html.push_str("<table>\n<thead><tr><th>户序号</th><th>户主</th>");
        for category in &categories {
            let _ = write!(html, "<th>{}</th>", category.zh);
        }
        html.push_str("<th>合计</th></tr></thead>\n<tbody>\n");
        for (number, row) in &self.rows {
            let _ = write!(html, "<tr><td>{number}</td><td>{}</td>", escaped(&row.name));
            for category in &categories {
                let points = row.by_category.get(category.word);
                let _ = write!(html, "<td>{}</td>", points.map_or(String::new(), i64::to_string));
            }
            let _ = writeln!(html, "<td>{}</td></tr>", row.points);
        }
        html.push_str("</tbody>\n</table>\n");
    }
}

async fn rows(
    app: &App,
    village: &Village,
    month: Month,
    size: i64,
) -> Outcome<BTreeMap<i64, Row>> {
    #[derive(FromQueryResult)]
    struct Part {
        household_number: i64,
        name: Option<String>,
        category: String,
        publicly_itemised: bool,
        points: i64,
    }
    let sql = "SELECT p.household_number, m.name, l.category, \
                 COALESCE(u.publicly_itemised, l.awarded > 0) AS publicly_itemised, \
                 CAST(SUM(l.awarded + COALESCE(r.awarded, 0)) AS BIGINT) AS points \
               FROM public_list_lines p \
               JOIN score_lines l ON l.village = p.village AND l.id = p.line \
               LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded FROM score_lines \
                 WHERE village = $1 AND reverses IS NOT NULL GROUP BY reverses) r \
                 ON r.reverses = l.id \
               LEFT JOIN shown_heads m ON m.village = p.village AND m.household = p.household \
               WHERE p.village = $1 AND p.month = $2 AND p.number <= $3 \
               GROUP BY p.household_number, m.name, l.category, \
                 COALESCE(u.publicly_itemised, l.awarded > 0) \
               ORDER BY p.household_number";
    let values: [Value; 3] = [village.into(), month.to_string().into(), size.into()];
    let mut rows = BTreeMap::<i64, Row>::new();
    for part in db::all::<Part>(app.db.read(), sql, values).await? {
        let row = rows.entry(part.household_number).or_default();
        row.name = part.name.map_or(String::new(), |name| masked(&name));
        row.points += part.points;
        if part.publicly_itemised {
            *row.by_category.entry(part.category).or_default() += part.points;
        }
    }
    Ok(rows)
}

/// The whole checkpoint as a QR code.
fn code(text: &str) -> Outcome<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.map_err(|error| Problem::fault(format!("a QR code: {error}")))?;
    let drawn = code.render::<svg::Color<'_>>().build();
    // Without the line that makes it a document of its own.
    Ok(drawn.find("<svg").map_or_else(String::new, |at| drawn.split_at(at).1.to_owned()))
}
