//! `GET …/lines/{line}/proof`: that a line is on the list as it was opened.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};

use super::check::LineProof;
use super::line;
use super::lines::{LineRow, leaves, lines};
use super::seal::Sealed;
use super::show::{json, place, ready, seal_of};
use super::tree::{self, Hash};
use crate::app::App;
use crate::http::{path_part, private_json, public_json};
use crate::identity::{Decides, Reader};
use crate::kernel::cache::Ready;
use crate::kernel::derive::hex;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;

/// The proof of a line; one that is not itemised in public only for its household and the committee
#[utoipa::path(tag = "proof", operation_id = "proofs_show", security((), ("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month"),
        ("line" = i64, Path, description = "The line's number on the list", minimum = 1)),
    responses((status = 200, body = LineProof)))]
#[get("/v1/villages/{village}/public-lists/{month}/lines/{line}/proof")]
async fn show_proof(reader: Reader, request: HttpRequest, app: Data<App>) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let number = path_part(&request, "line")?;
    let seal = seal_of(&app, &village, month).await?;
    let line = line_for(&app, &reader, &village, month, &seal, number).await?;
    let proof = prove(&app, &village, month, seal, &line).await?;
    if !line.publicly_itemised {
        return Ok(private_json(&proof));
    }
    Ok(public_json(&request, &Ready::of(json(&proof)?)))
}

/// The line, if the reader may see it.
///
/// # Errors
/// `not_found` also for one that they may not: nobody else is to know that there is such a line.
async fn line_for(
    app: &App,
    reader: &Reader,
    village: &Village,
    month: Month,
    seal: &Sealed,
    number: i64,
) -> Outcome<LineRow> {
    if !(1..=seal.size).contains(&number) {
        return Err(Code::NotFound.into());
    }
    let span = (number, number);
    let found = lines(app.db.read(), village.as_str(), &month.to_string(), span).await?;
    let line = found.into_iter().next().ok_or(Code::NotFound)?;
    let own = reader.household_in(village) == Some(line.household);
    match line.publicly_itemised || own || reader.has_office::<Decides>(&village.region()) {
        true => Ok(line),
        false => Err(Code::NotFound.into()),
    }
}

async fn prove(
    app: &App,
    village: &Village,
    month: Month,
    seal: Sealed,
    line: &LineRow,
) -> Outcome<LineProof> {
    let odd = || Problem::fault(format!("line {} of list {village} {month}", line.number));
    let (here, name) = (village.as_str(), month.to_string());
    let leaves = leaves_of(app, village, month, &seal).await?;
    let index = usize::try_from(line.number - 1).map_err(|_| odd())?;
    let path = tree::path(&leaves, index).ok_or_else(odd)?;
    Ok(LineProof {
        line: line.text(here, &name),
        salt: line::salt(&seal.seed, line.number),
        index: index as u64,
        size: leaves.len() as u64,
        path: path.iter().map(|hash| hex(hash)).collect(),
        checkpoint: seal.text,
        vkey: seal.vkey,
    })
}

/// The list's leaves, as bytes that are kept: they are the same in every proof, and public.
async fn leaves_of(
    app: &App,
    village: &Village,
    month: Month,
    seal: &Sealed,
) -> Outcome<Vec<Hash>> {
    let build = async {
        let (here, name) = (village.as_str(), month.to_string());
        let lines = lines(app.db.read(), here, &name, (1, seal.size)).await?;
        Ok(leaves(&lines, here, &name, &seal.seed).concat())
    };
    let kept = ready(app, village, &format!("leaves:{{{village}}}:{month}"), build).await?;
    let leaf = |bytes: &[u8]| {
        let mut hash = [0; 32];
        hash.copy_from_slice(bytes);
        hash
    };
    Ok(kept.bytes.chunks_exact(32).map(leaf).collect())
}
