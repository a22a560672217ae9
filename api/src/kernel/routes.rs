//! Where operations are registered, for serving and for the contract.

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::fn_guard;
use actix_web::{Scope, web};
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

/// Each worker has a router, and the contract, which takes much longer to collect, is there once.
pub enum Routes<'c, 'a> {
    Serving(&'c mut Shelves),
    Describing(&'c mut ServiceConfig<'a>),
}

impl Routes<'_, '_> {
    pub fn service<F>(&mut self, operation: F) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + utoipa::Path + 'static,
    {
        match self {
            Self::Serving(shelves) => shelves.put(&F::path(), operation),
            Self::Describing(contract) => _ = contract.service(operation),
        }
        self
    }
}

/// Operations by the words their paths share. A router tries one pattern after another: among all of ours
/// that takes longer than most answers do, on one shelf it does not.
#[derive(Default)]
pub struct Shelves(Vec<(String, Scope)>);

impl Shelves {
    fn put(&mut self, path: &str, operation: impl HttpServiceFactory + 'static) {
        let word = word(path);
        let at = self.0.iter().position(|(known, _)| known == word).unwrap_or_else(|| {
            let (own, known) = (word.to_owned(), word.to_owned());
            let shelf =
                web::scope("").guard(fn_guard(move |at| self::word(at.head().uri.path()) == own));
            self.0.push((known, shelf));
            self.0.len() - 1
        });
        if let Some((_, shelf)) = self.0.get_mut(at) {
            *shelf = std::mem::replace(shelf, web::scope("")).service(operation);
        }
    }

    pub fn serve(self, router: &mut web::ServiceConfig) {
        for (_, shelf) in self.0 {
            router.service(shelf);
        }
    }
}

/// What a path is about: of a village or region its own third part, else the one behind `v1`.
fn word(path: &str) -> &str {
    let mut parts = path.split('/').skip(1);
    let mut next = || parts.next().unwrap_or_default();
    match (next(), next(), next(), next()) {
        ("v1", "villages" | "regions", _, third) if !third.is_empty() => third,
        ("v1", first, ..) => first,
        (first, ..) => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_on_the_shelf_of_its_template() {
        for (template, path, shelf) in [
            (
                "/v1/villages/{village}/claims/{claim}/reviews",
                "/v1/villages/7/claims/8/reviews",
                "claims",
            ),
            ("/v1/regions/{region}/rankings/{period}", "/v1/regions/7/rankings/2024", "rankings"),
            ("/v1/regions/{region}", "/v1/regions/7", "regions"),
            ("/v1/me/devices/{session}", "/v1/me/devices/8", "me"),
            ("/v1/sessions", "/v1/sessions", "sessions"),
            ("/sandbox/clock", "/sandbox/clock", "sandbox"),
            ("/verify.html", "/verify.html", "verify.html"),
            ("/problems/{code}", "/problems/claims", "problems"),
        ] {
            assert_eq!((word(template), word(path)), (shelf, shelf));
        }
    }
}
