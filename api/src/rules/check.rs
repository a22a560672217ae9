//! Whether a draft may become a village's rules, and where not: every item and field is named.

use std::collections::{BTreeMap, BTreeSet};

use entity::rule::Model as Row;
use uuid::Uuid;

use super::Direction;
use super::draft::{Draft, ItemChange, NewItem};
use super::fit::{Misfit, misfits};
use super::forbidden;
use super::rows::{Frame, caps_with, of_draft};
use crate::kernel::problem::{Code, FieldError, Outcome, Refusal};
use crate::kernel::text::readable;

/// At most this many places are named at once.
const ERRORS_MAX: usize = 100;

/// What a claim can say of a deed: these make two claims the same.
const DEDUPE: [&str; 7] =
    ["household", "rule", "occurred_on", "member", "event", "ticket", "certificate_no"];

/// The whole set that the draft makes of its framework.
///
/// # Errors
/// `item_forbidden`, `invalid_field`, `outside_range` for points that do not fit together, or
/// `outside_framework`; each names all its places.
pub fn check(id: Uuid, frame: &Frame, draft: &Draft) -> Outcome<Vec<Row>> {
    refuse(Code::ItemForbidden, forbidden_in(frame, draft))?;
    refuse(Code::InvalidField, unreadable(draft))?;
    refuse(Code::OutsideRange, apart(draft))?;
    refuse(Code::OutsideFramework, unknown(frame, draft))?;
    let rows = of_draft(id, frame, draft)?;
    let places = Places::of(draft);
    let found = misfits((&frame.rows, &frame.caps), &rows, &caps_with(frame, draft));
    refuse(Code::OutsideFramework, found.into_iter().map(|it| places.error(it)).collect())?;
    Ok(rows)
}

fn refuse(code: Code, mut errors: Vec<FieldError>) -> Result<(), Refusal> {
    errors.truncate(ERRORS_MAX);
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Refusal { errors, ..code.into() }),
    }
}

fn error(pointer: String, code: &str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer, code: code.to_owned(), detail: detail.into() }
}

/// Where the items of a draft stand in its body.
struct Places<'a>(BTreeMap<&'a str, String>);

impl<'a> Places<'a> {
    fn of(draft: &'a Draft) -> Self {
        let changes = draft.changes.iter().map(|change| change.key.as_str());
        let changes = changes.enumerate().map(|(at, key)| (key, format!("/draft/changes/{at}")));
        let new = draft.new_items.iter().map(|item| item.key.as_str());
        let new = new.enumerate().map(|(at, key)| (key, format!("/draft/new_items/{at}")));
        Self(changes.chain(new).collect())
    }

    fn error(&self, misfit: Misfit) -> FieldError {
        let Misfit { key, field, detail } = misfit;
        let place = match &key {
            None => Some("/draft/global_caps"),
            Some(key) => self.0.get(key.as_str()).map(String::as_str),
        };
        error(format!("{}/{field}", place.unwrap_or("/draft")), field, detail)
    }
}

fn forbidden_in(frame: &Frame, draft: &Draft) -> Vec<FieldError> {
    let known = forbidden::known();
    let of_change = |(at, change): (usize, &ItemChange)| {
        let kinds = change.evidence_added.iter().map(|kind| ("evidence_added", kind.as_str()));
        let mut found = forbidden::of_texts(&format!("/draft/changes/{at}"), kinds);
        // Whoever wrote the framework may know less than we do; the built-in items are known.
        let row = frame.rows.iter().find(|row| row.key == change.key);
        if let Some(row) = row.filter(|_| change.enabled == Some(true)) {
            found.extend(forbidden::of_row(&format!("/draft/changes/{at}/enabled"), row, &known));
        }
        found
    };
    let of_item = |(at, item): (usize, &NewItem)| {
        let NewItem { key, name_zh, name_en, unit, note, evidence, .. } = item;
        let texts = [("key", key), ("name_zh", name_zh), ("name_en", name_en), ("unit", unit)];
        let texts = texts.into_iter().map(|(field, text)| (field, text.as_str()));
        let note = note.iter().map(|note| ("note", note.as_str()));
        let kinds = evidence.iter().map(|kind| ("evidence", kind.as_str()));
        forbidden::of_texts(&format!("/draft/new_items/{at}"), texts.chain(note).chain(kinds))
    };
    let changes = draft.changes.iter().enumerate().flat_map(of_change);
    changes.chain(draft.new_items.iter().enumerate().flat_map(of_item)).collect()
}

/// Texts that say nothing, keys of another form, and what is named twice.
fn unreadable(draft: &Draft) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut text = |pointer: String, text: &str| {
        if readable(text).is_none_or(|it| it != text) {
            found.push(error(
                pointer,
                "unreadable",
                "empty, or with blanks around it or what cannot be seen",
            ));
        }
    };
    text("/draft/version".to_owned(), &draft.version);
    for (at, item) in draft.new_items.iter().enumerate() {
        let place = |field: &str| format!("/draft/new_items/{at}/{field}");
        let NewItem { name_zh, name_en, unit, note, evidence, .. } = item;
        for (field, value) in [("name_zh", name_zh), ("name_en", name_en), ("unit", unit)] {
            text(place(field), value);
        }
        note.iter().for_each(|note| text(place("note"), note));
        evidence.iter().for_each(|kind| text(place("evidence"), kind));
    }
    let kinds = |(at, change): (usize, &ItemChange)| {
        let kinds = change.evidence_added.iter().cloned();
        kinds.map(move |kind| (format!("/draft/changes/{at}/evidence_added"), kind)).collect()
    };
    let kinds: Vec<(String, String)> =
        draft.changes.iter().enumerate().flat_map(|it| -> Vec<_> { kinds(it) }).collect();
    kinds.iter().for_each(|(place, kind)| text(place.clone(), kind));
    let of_items = draft.new_items.iter().enumerate();
    let own =
        of_items.map(|(at, item)| (format!("/draft/new_items/{at}/evidence"), &item.evidence));
    let own = own.flat_map(|(place, kinds)| kinds.iter().map(move |kind| (place.clone(), kind)));
    let added = kinds.iter().map(|(place, kind)| (place.clone(), kind));
    for (place, kind) in own.chain(added) {
        if kind.chars().count() > 40 {
            found.push(error(place, "length", "max 40"));
        }
    }
    let changed = draft.changes.iter().enumerate();
    let changed = changed.map(|(at, it)| (format!("/draft/changes/{at}/key"), &it.key));
    let new = draft.new_items.iter().enumerate();
    let new = new.map(|(at, it)| (format!("/draft/new_items/{at}/key"), &it.key));
    for (place, key) in changed.chain(new) {
        if !seen.insert(key) {
            found.push(error(place, "unique", "named twice"));
        }
    }
    for (at, item) in draft.new_items.iter().enumerate() {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b);
        if !item.key.bytes().all(plain) {
            let place = format!("/draft/new_items/{at}/key");
            found.push(error(place, "pattern", "small letters, digits, _ and ."));
        }
        let parts = item.dedupe.iter().flat_map(|dedupe| dedupe.split('+'));
        if let Some(part) = parts.into_iter().find(|part| !DEDUPE.contains(part)) {
            let place = format!("/draft/new_items/{at}/dedupe");
            found.push(error(place, "unknown", format!("{part} is not one of {DEDUPE:?}")));
        }
    }
    found
}

/// Points of the village's own items that do not fit together.
fn apart(draft: &Draft) -> Vec<FieldError> {
    let odd = |(at, item): (usize, &NewItem)| {
        let sign = if item.direction == Direction::Bonus { 1 } else { -1 };
        let NewItem { points_min, default_points, points_max, cap, .. } = item;
        let signed =
            [*points_min, *points_max, cap.max_points].iter().all(|points| points * sign > 0);
        let ordered = points_min <= default_points && default_points <= points_max;
        let place = format!("/draft/new_items/{at}");
        (!signed || !ordered).then(|| error(place, "range", item.key.clone()))
    };
    draft.new_items.iter().enumerate().filter_map(odd).collect()
}

/// Changes of items that the framework does not have, and new ones that it has.
fn unknown(frame: &Frame, draft: &Draft) -> Vec<FieldError> {
    let known: BTreeSet<_> = frame.rows.iter().map(|row| row.key.as_str()).collect();
    let changes = draft.changes.iter().enumerate();
    let strange = changes.filter(|(_, change)| !known.contains(change.key.as_str()));
    let strange = strange.map(|(at, _)| {
        let detail = "the framework has no such item";
        error(format!("/draft/changes/{at}/key"), "unknown_item", detail)
    });
    let new = draft.new_items.iter().enumerate();
    let taken = new.filter(|(_, item)| known.contains(item.key.as_str()));
    let taken = taken.map(|(at, _)| {
        let detail = "the framework has this item: change it";
        error(format!("/draft/new_items/{at}/key"), "known_item", detail)
    });
    strange.chain(taken).collect()
}
