//! The table of contents: one line per slice.

use crate::kernel::routes::Routes;
use crate::{
    adjustments, awards, bindings, calendar, changes, claims, honours, households, identity,
    labels, me, photos, proof, publicity, rankings, redemption, regions, register, reversals,
    rules, sandbox, scoring, sessions, statistics, suggestions,
};

/// Every operation, what is asked for most first; the sandbox's own only where they exist.
pub fn routes(mut config: Routes<'_, '_>, sandbox: bool) {
    let config = &mut config;
    rankings::routes(config);
    claims::routes(config);
    redemption::routes(config);
    awards::routes(config);
    honours::routes(config);
    changes::routes(config);
    photos::routes(config);
    publicity::routes(config);
    reversals::routes(config);
    adjustments::routes(config);
    proof::routes(config);
    scoring::routes(config);
    households::routes(config);
    rules::routes(config);
    suggestions::routes(config);
    calendar::routes(config);
    statistics::routes(config);
    regions::routes(config);
    register::routes(config);
    labels::routes(config);
    me::routes(config);
    identity::routes(config);
    bindings::routes(config);
    sessions::routes(config);
    if sandbox {
        sandbox::routes(config);
    }
}
