//! `jifen verify --list FILE`: a list file or a proof is checked without a database or a network, and what
//! was found is said in Chinese and English.

use std::fmt::Write;
use std::path::Path;

use super::check::{LineProof, ListFile, ProofFlaw, check_list, check_proof};
use super::note::Checkpoint;
use crate::kernel::derive::hex;
use crate::labels;

/// Checks a file; what is to be printed, and whether it holds. Without `vkey` the key in the file is
/// believed, and that is said.
pub fn verify_file(file: &Path, vkey: Option<&str>) -> Result<(String, bool), String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
    let (found, own) = match serde_json::from_str::<ListFile>(&text) {
        Ok(list) => (check_list(&list, vkey.unwrap_or(&list.vkey)), list.vkey),
        Err(_) => match serde_json::from_str::<LineProof>(&text) {
            Ok(proof) => (check_proof(&proof, vkey.unwrap_or(&proof.vkey)), proof.vkey),
            Err(_) => (Err(ProofFlaw::Malformed), String::new()),
        },
    };
    match found {
        Ok(checkpoint) => Ok((agrees(&checkpoint, vkey.is_none().then_some(&own)), true)),
        Err(flaw) => {
            let label = labels::label("proof_flaw", flaw.word());
            Ok((format!("不符：{}\nDISAGREES: {}\n", label.zh, label.en), false))
        }
    }
}

fn agrees(checkpoint: &Checkpoint, believed: Option<&String>) -> String {
    let Checkpoint { village, month, size, root, chain } = checkpoint;
    let root = hex(root);
    let (printed, rest) = root.split_at(32);
    let mut text = format!(
        "相符：{village} {month} 名单，共 {size} 条，逐条与签名一致。\n\
         AGREES: list {village} {month}, {size} lines, as signed.\n\
         公告栏上应印有 / the board must show: {printed}\n\
         其余 / the rest: {rest}\n\
         流水链 / chain of journals: {} {}\n",
        chain.length, chain.hash
    );
    if let Some(vkey) = believed {
        let _ = writeln!(
            text,
            "公钥取自文件本身，请与公告栏或 /v1/list-key 核对 / the key was taken from the file, \
             compare it: {vkey}"
        );
    }
    text
}
