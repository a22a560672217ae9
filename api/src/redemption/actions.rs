//! What somebody may do next with a redemption: pure.

use uuid::Uuid;

use super::WRONG_CODES_MAX;
use super::read::Row;

/// Who looks at a redemption.
pub struct Viewer {
    pub person: Uuid,
    /// It is their own household's.
    pub own: bool,
    pub clerk: bool,
    /// Hands goods over somewhere in the village: a clerk, or a worker of any grid.
    pub hands_over: bool,
    /// Works in the household's grid.
    pub works: bool,
    /// Must keep out of the household's matters.
    pub concerned: bool,
}

impl Viewer {
    /// Whether they asked for it in the family's name, and still hold such an office.
    fn filed(&self, row: &Row) -> bool {
        self.hands_over && row.filed_by == self.person
    }
}

/// The actions that would not be refused for who asks or for the state, in the order of its life.
pub fn actions(viewer: &Viewer, row: &Row) -> Vec<&'static str> {
    let held = row.status == "held";
    let waits = held && row.carrier.is_none();
    let official = !viewer.concerned;
    let clerk = viewer.clerk && official;
    let carries = row.carrier == Some(viewer.person);
    let helper = row.bearer.is_some() && (clerk || (viewer.filed(row) && official));
    let by_two = row.bearer.is_some() || row.wrong_codes >= WRONG_CODES_MAX;
    let all = [
        ("collect", (waits && clerk) || (held && carries && official)),
        ("witness", held && by_two && official && (viewer.works || viewer.clerk)),
        ("deliver", waits && clerk),
        ("take_back", held && !waits && clerk && !carries),
        ("cancel", waits && (viewer.own || helper)),
        ("refund", row.status == "collected" && clerk && row.clerk != Some(viewer.person)),
    ];
    all.into_iter().filter(|(_, may)| *may).map(|(action, _)| action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: &str, carrier: Option<u128>) -> Row {
        let id = Uuid::from_u128;
        Row {
            id: id(1),
            household: id(2),
            grid: String::new(),
            prize_key: String::new(),
            prize_name: String::new(),
            quantity: 1,
            points: 20,
            status: status.to_owned(),
            held_at: 0,
            expires_at: 0,
            closed_at: None,
            filed_by: id(3),
            bearer: None,
            proof: None,
            witness: None,
            carrier: carrier.map(id),
            carried_at: None,
            refunded: 0,
            wrong_codes: 0,
            clerk: (status == "collected").then_some(id(9)),
            version: 1,
        }
    }

    fn viewer(person: u128) -> Viewer {
        let person = Uuid::from_u128(person);
        let (own, clerk, hands_over) = (false, false, false);
        Viewer { person, own, clerk, hands_over, works: false, concerned: false }
    }

    #[test]
    fn each_sees_what_they_may_do() {
        let family = Viewer { own: true, ..viewer(3) };
        let clerk = |person| Viewer { clerk: true, ..viewer(person) };
        let worker = Viewer { works: true, ..viewer(7) };
        let held = row("held", None);
        assert_eq!(actions(&family, &held), ["cancel"]);
        assert_eq!(actions(&clerk(9), &held), ["collect", "deliver"]);
        assert_eq!(actions(&Viewer { concerned: true, ..clerk(9) }, &held), Vec::<&str>::new());
        let helped = Row { bearer: Some(Uuid::from_u128(4)), ..row("held", None) };
        assert_eq!(actions(&worker, &helped), ["witness"]);
        assert_eq!(actions(&clerk(9), &helped), ["collect", "witness", "deliver", "cancel"]);
        let helper = Viewer { works: true, hands_over: true, ..viewer(3) };
        assert_eq!(actions(&helper, &helped), ["witness", "cancel"]);
        assert_eq!(actions(&helper, &held), Vec::<&str>::new());
        let kin = Viewer { concerned: true, ..helper };
        assert_eq!(actions(&kin, &helped), Vec::<&str>::new());
        let carried = row("held", Some(7));
        assert_eq!(actions(&worker, &carried), ["collect"]);
        assert_eq!(actions(&clerk(9), &carried), ["take_back"]);
        assert_eq!(actions(&family, &carried), Vec::<&str>::new());
        let collected = row("collected", None);
        assert_eq!(actions(&clerk(9), &collected), Vec::<&str>::new());
        assert_eq!(actions(&clerk(8), &collected), ["refund"]);
        assert_eq!(actions(&clerk(8), &row("refunded", None)), Vec::<&str>::new());
    }
}
