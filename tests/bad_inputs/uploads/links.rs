//! C80: photos of another village, links that are over, and links to something else.

use reqwest::Method;
use uuid::Uuid;

use super::super::{Case, Catalogue};
use crate::support::{FAR, HERE, NEXT, World, at, new_id};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let (id, other) = (world.photo(&zhang).await, world.photo(&zhang).await);
    let photo = |village: &str, id: Uuid| format!("/v1/villages/{village}/photos/{id}");
    let url = async |id: Uuid| {
        let link = zhang.get(&photo(HERE, id)).await.ok();
        link["url"].as_str().expect("a link").to_owned()
    };
    let (mine, others) = (url(id).await, url(other).await);
    let query = |url: &str| url.split_once('?').expect("a query").1.to_owned();
    let (query, others) = (query(&mine), query(&others));
    let nobody = world.anybody();
    let mut cases = Vec::new();
    for (who, actor) in [
        ("a neighbour", world.head(HERE, 2).await),
        ("the clerk", world.official("clerk", HERE).await),
        ("somebody of the next village", world.head(NEXT, 1).await),
        ("somebody of another county", world.head(FAR, 1).await),
        ("the panel next door", world.official("panel", NEXT).await),
        ("another county", world.official("county", "440783").await),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let what = format!("{who}: {method}");
            let case = Case::get("C80", what, &actor, &photo(HERE, id)).refused(404, "not_found");
            cases.push(Case { method, ..case });
        }
    }
    for village in [NEXT, FAR, "460205100999"] {
        let township = world.official("township", "460205100").await;
        let what = format!("by its id in {village}");
        let case = Case::get("C80", what, &township, &photo(village, id));
        cases.push(case.refused(404, "not_found"));
    }
    let content =
        |village: &str, id: Uuid, query: &str| format!("{}/content?{query}", photo(village, id));
    for (what, target) in [
        ("the signature of another photo", content(HERE, id, &others)),
        ("a link of another photo", content(HERE, other, &query)),
        ("a photo that never was", content(HERE, new_id(), &query)),
        ("in another village", content(NEXT, id, &query)),
        ("in another county", content(FAR, id, &query)),
        ("for longer", content(HERE, id, &query.replacen("expires=", "expires=9", 1))),
        ("for ever", content(HERE, id, &query.replacen("expires=", "expires=-", 1))),
        (
            "a spelling of the same time",
            content(HERE, id, &query.replacen("expires=", "expires=+", 1)),
        ),
        ("a signature cut short", content(HERE, id, query.get(..query.len() - 1).expect("more"))),
        ("a signature and more", content(HERE, id, &format!("{query}0"))),
        ("no signature", content(HERE, id, query.split_once("signature=").expect("one").0)),
    ] {
        let target = match what {
            "no signature" => format!("{target}signature="),
            _ => target,
        };
        cases.push(Case::get("C80", what, &nobody, &target).refused(404, "not_found"));
    }
    for (what, target) in [
        ("without a query", format!("{}/content", photo(HERE, id))),
        ("two signatures", content(HERE, id, &format!("{query}&signature=0"))),
        ("a village in the query", content(HERE, id, &format!("{query}&village={NEXT}"))),
    ] {
        cases.push(Case::get("C80", what, &nobody, &target).refused(400, "invalid_query"));
    }
    for odd in ["x", "00000000-0000-0000-0000-000000000000", "1"] {
        let path = format!("/v1/villages/{HERE}/photos/{odd}");
        let case = Case::get("C80", format!("the id {odd}"), &zhang, &path);
        cases.push(case.refused(400, "invalid_path"));
    }
    let unknown = Case::get("C80", "an unknown id", &zhang, &photo(HERE, new_id()));
    cases.push(unknown.refused(404, "not_found"));
    cases.push(Case::get("C80", "control: the photo", &zhang, &photo(HERE, id)));
    cases.push(Case::get("C80", "control: the link", &nobody, &mine));
    catalogue.run(&world, cases).await;
    world.token_time_passes(600_000);
    let over = Case::get("C80", "ten minutes later", &nobody, &mine).refused(403, "link_expired");
    let with_token = Case::get("C80", "and with a token", &zhang, &mine);
    catalogue.run(&world, [over, with_token.refused(403, "link_expired")]).await;
}
