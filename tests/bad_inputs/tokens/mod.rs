//! Tokens and login: rows C49 to C65 of the catalogue.

mod forged;
mod held;
mod sent;
mod staff;
mod wechat;

use super::Catalogue;

#[actix_web::test]
async fn no_bad_token_and_no_bad_login_gets_in() {
    let mut catalogue = Catalogue::of("tokens and login");
    sent::try_all(&mut catalogue).await;
    forged::try_all(&mut catalogue).await;
    held::try_all(&mut catalogue).await;
    wechat::try_all(&mut catalogue).await;
    staff::try_all(&mut catalogue).await;
    catalogue.report();
}
