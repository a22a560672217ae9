//! The table of contents: one line per slice.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    adjustments, awards, bindings, calendar, changes, claims, honours, households, identity,
    labels, me, photos, proof, publicity, rankings, redemption, regions, register, reversals,
    rules, sandbox, scoring, sessions, statistics, suggestions,
};

/// Where operations are registered: each worker has a router, and the contract, which takes much longer to
/// collect, is there once.
pub enum Routes<'c, 'a> {
    Serving(&'c mut web::ServiceConfig),
    Describing(&'c mut ServiceConfig<'a>),
}

impl Routes<'_, '_> {
    pub fn service<F>(&mut self, operation: F) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        match self {
            Self::Serving(router) => _ = router.service(operation),
            Self::Describing(contract) => _ = contract.service(operation),
        }
        self
    }
}

/// Every operation, what is asked for most first, as the router tries one after the other; the sandbox's own
/// only where they exist.
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
