//! `POST /v1/regions/{region}/parts`: townships of a county, villages of a township, grids of a
//! village.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::post;
use actix_web::web::Data;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{Region, RegionPage, RegionRow, add, find};
use crate::app::App;
use crate::identity::{Governs, Overseer};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::RegionCode;
use crate::kernel::text::readable;

/// Regions one level down.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParts {
    #[validate(nested, length(min = 1, max = 200))]
    #[schema(min_items = 1, max_items = 200)]
    pub parts: Vec<NewPart>,
}

/// A region of the national table, or a grid.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPart {
    /// The region's code with the digits of one more level.
    pub code: RegionCode,
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "梅西村")]
    pub name: String,
}

/// Add the regions that a region is made of; those it has already stay as they are
#[utoipa::path(tag = "regions", operation_id = "regions_add_parts", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a county, township or village")),
    request_body = NewParts, responses((status = 201, body = RegionPage)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken"))))]
#[post("/v1/regions/{region}/parts")]
async fn add_parts(
    officer: Overseer<Governs>,
    parts: Command<NewParts>,
    app: Data<App>,
) -> Outcome<Answer<RegionPage>> {
    let region = &officer.region;
    let done = parts.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let by = officer.caller.person;
        let items = extend(tx, region, &parts.body.parts, by, app.clock.now()).await?;
        Ok(RegionPage { items })
    });
    Ok(done.await?.created())
}

/// Adds parts to a region: its own, one level down, each once.
///
/// # Errors
/// `invalid_field` names the part that is not, `id_taken` if a code has another name already.
pub async fn extend(
    tx: &Tx,
    region: &RegionCode,
    parts: &[NewPart],
    by: Uuid,
    now: Instant,
) -> Outcome<Vec<Region>> {
    find(tx, region).await?;
    let parts = check(region, parts)?;
    add(tx, &parts).await?;
    let known = names(tx, &parts).await?;
    let other = parts.iter().find(|(code, name)| known.get(code.as_str()) != Some(name));
    if let Some((code, _)) = other {
        return Err(Refusal::from(Code::IdTaken)
            .because(format!("{code} has another name"))
            .into());
    }
    let act = Act {
        region: region.as_str(),
        actor: Some(by),
        action: "region.add_parts",
        subject: region.to_string(),
        detail: serde_json::json!(parts.iter().map(|(code, _)| code).collect::<Vec<_>>()),
    };
    audit::record(tx, now, act).await?;
    let item = |(code, name): (RegionCode, String)| Region {
        level: code.level(),
        code,
        name,
        parent: Some(region.clone()),
    };
    Ok(parts.into_iter().map(item).collect())
}

/// The parts with readable names, in the order of the request.
fn check(region: &RegionCode, parts: &[NewPart]) -> Result<Vec<(RegionCode, String)>, Refusal> {
    let mut seen = BTreeSet::new();
    let mut checked = Vec::new();
    for (index, NewPart { code, name }) in parts.iter().enumerate() {
        let odd = |field: &str, what: &str| {
            let pointer = format!("/parts/{index}/{field}");
            Refusal::from(Code::InvalidField).at(&pointer, "invalid", what)
        };
        if code.parent().as_ref() != Some(region) {
            return Err(odd("code", "not one level below the region"));
        }
        if !seen.insert(code) {
            return Err(odd("code", "named twice"));
        }
        let name = readable(name).ok_or_else(|| odd("name", "not readable"))?;
        checked.push((code.clone(), name));
    }
    Ok(checked)
}

async fn names(tx: &Tx, parts: &[(RegionCode, String)]) -> Outcome<BTreeMap<String, String>> {
    let places = (1..=parts.len()).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT code, parent, name FROM regions WHERE code IN ({places})");
    let values = parts.iter().map(|(code, _)| Value::from(code));
    let rows = db::all::<RegionRow>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lies_exactly_one_level_below_and_is_named_once() {
        let township: RegionCode = "460205100".parse().expect("a code");
        let part = |code: &str, name: &str| NewPart {
            code: code.parse().expect("a code"),
            name: name.to_owned(),
        };
        assert!(check(&township, &[part("460205100201", "梅西村")]).is_ok());
        for parts in [
            vec![part("460205100201001", "网格")],
            vec![part("460205101201", "别的镇的村")],
            vec![part("460205100", "镇")],
            vec![part("460205100201", "梅西村"), part("460205100201", "梅西村")],
            vec![part("460205100201", "\u{200b}")],
        ] {
            assert!(check(&township, &parts).is_err());
        }
    }
}
