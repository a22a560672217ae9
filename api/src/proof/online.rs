//! `POST /v1/proofs/verification`: the check of a proof for whoever has no other means; the page and
//! `jifen verify --list` ask nobody.

use actix_web::post;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::check::{LineProof, ProofFlaw, check_proof};
use super::note::Checkpoint;
use super::seal::sealed;
use crate::app::App;
use crate::kernel::command::{Answer, Body};
use crate::kernel::period::Month;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// Whether a proof holds.
#[derive(Serialize, ToSchema)]
pub struct ProofVerdict {
    pub valid: bool,
    /// Why not; absent when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flaw: Option<ProofFlaw>,
}

/// Whatever can be read as a proof is answered with whether it is one.
impl Validate for LineProof {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// So long a proof is still answered; 64 hashes are enough for any list.
const PROOF_MAX: usize = 1024 * 1024;

/// Whether a proof holds under our key for the list that we published
#[utoipa::path(tag = "proof", operation_id = "proofs_check", request_body = LineProof,
    responses((status = 200, body = ProofVerdict)))]
#[post("/v1/proofs/verification")]
async fn check_line(
    proof: Body<LineProof, PROOF_MAX>,
    app: Data<App>,
) -> Outcome<Answer<ProofVerdict>> {
    let flaw = flaw(&app, &proof.0).await?;
    Ok(Answer::ok(ProofVerdict { valid: flaw.is_none(), flaw }))
}

async fn flaw(app: &App, proof: &LineProof) -> Outcome<Option<ProofFlaw>> {
    // What holds in itself is compared with what we published: the key in the proof may be anybody's.
    match check_proof(proof, &proof.vkey) {
        Ok(checkpoint) => published(app, &checkpoint, proof).await,
        Err(flaw) => Ok(Some(flaw)),
    }
}

async fn published(
    app: &App,
    checkpoint: &Checkpoint,
    proof: &LineProof,
) -> Outcome<Option<ProofFlaw>> {
    let parsed = checkpoint.village.parse::<Village>().ok().zip(checkpoint.month.parse().ok());
    let Some((village, month)): Option<(Village, Month)> = parsed else {
        return Ok(Some(ProofFlaw::ListUnknown));
    };
    let Some(seal) = sealed(app.db.read(), &village, month).await? else {
        return Ok(Some(ProofFlaw::ListUnknown));
    };
    // The key of the configuration, not one that a row names: whoever can write rows has a key too.
    let Some(ours) = &app.list_key else { return Ok(Some(ProofFlaw::SignatureInvalid)) };
    Ok::<_, Problem>(match check_proof(proof, &ours.verifier.vkey()) {
        Err(flaw) => Some(flaw),
        // Signed with our key is not yet published by us.
        Ok(_) if Checkpoint::of_note(&seal.text).as_ref() != Some(checkpoint) => {
            Some(ProofFlaw::ListUnknown)
        }
        Ok(_) => None,
    })
}
