//! Tenancy and roles: rows C100 to C107 of the catalogue.

mod boards;
mod codes;
mod grants;
mod scope;
mod smuggled;

use super::Catalogue;

#[actix_web::test]
async fn nobody_reaches_another_village_or_a_higher_role() {
    let mut catalogue = Catalogue::of("tenancy and roles");
    smuggled::try_all(&mut catalogue).await;
    scope::try_all(&mut catalogue).await;
    grants::try_all(&mut catalogue).await;
    boards::try_all(&mut catalogue).await;
    codes::try_all(&mut catalogue).await;
    catalogue.report();
}
