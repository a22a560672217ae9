//! Questions about figures, tables and charts that nobody should get an answer to: rows C106 and C109.

use super::{Case, Catalogue, Expected};
use crate::support::{FAR, HERE, NEXT, World, at};

#[actix_web::test]
async fn odd_questions_about_figures_are_refused_and_foreign_ones_unknown() {
    let mut catalogue = Catalogue::of("reports");
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    world.travel(at("2024-09-03 09:00")).await;
    for region in ["460205", "440783"] {
        world.anybody().get(&format!("/v1/regions/{region}/rankings/2024")).await.ok();
    }
    odd(&mut catalogue, &world).await;
    foreign(&mut catalogue, &world).await;
    catalogue.report();
}

async fn odd(catalogue: &mut Catalogue, world: &World) {
    let nobody = world.anybody();
    let paths = [
        ("statistics/trend", "from=2024-08&to=2024-09&by=month"),
        ("statistics/villages", "period=2024-08"),
        ("statistics/export", "period=2024-08&format=csv"),
        ("charts/points-by-category", "period=2024-08"),
        ("charts/participation-by-week", "period=2024-08"),
    ];
    let mut cases = Vec::new();
    for (path, query) in paths {
        let path = format!("/v1/regions/460205100/{path}");
        cases.push(Case::get(
            "C109",
            format!("{path} itself"),
            &nobody,
            &format!("{path}?{query}"),
        ));
        for odd in [
            "sort=password",
            "sort=1;drop%20table%20claims",
            "order_by=name",
            "group_by=household",
            "by=household",
            "by=",
            "by=village%27--",
            "by[]=village",
            "format=exe",
            "format=CSV",
            "format=",
            "from=2024-W54",
            "from=-1",
            "to=%00",
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=1e9",
            "period=2024-08&period=2024-09",
            "as_of=yesterday",
            "as_of=99999999999999",
            "filename=..%2F..%2Fetc%2Fpasswd",
            "columns=phone",
            "mask=false",
            "callback=alert",
        ] {
            // In the place of the right one, or besides it.
            let name = odd.split('=').next().unwrap_or_default();
            let rest: Vec<_> =
                query.split('&').filter(|it| it.split('=').next() != Some(name)).collect();
            let path = format!("{path}?{}&{odd}", rest.join("&"));
            let case = Case::get("C109", format!("{path} is odd"), &nobody, &path);
            cases.push(case.refused(400, "invalid_query"));
        }
    }
    let trend = "/v1/regions/460205100/statistics/trend";
    for span in ["from=2024-09&to=2024-08&by=week", "from=2000&to=2199&by=week"] {
        let case =
            Case::get("C109", format!("a trend {span}"), &nobody, &format!("{trend}?{span}"));
        cases.push(case.refused(422, "periods_out_of_range"));
    }
    let cursor = "/v1/regions/460205100/statistics/villages?cursor=x";
    cases.push(
        Case::get("C109", "a made-up cursor", &nobody, cursor).refused(400, "invalid_cursor"),
    );
    catalogue.run(world, cases).await;
}

/// Score lines with names are nobody's but the village's own officials'.
async fn foreign(catalogue: &mut Catalogue, world: &World) {
    let lines =
        |village: &str| format!("/v1/villages/{village}/entries/export?period=2024-08&format=csv");
    let mut cases = Vec::new();
    let committee = world.official("committee", HERE).await;
    for village in [NEXT, FAR, "460205100999"] {
        let what = format!("a committee asks for the lines of {village}");
        cases.push(Case::get("C106", what, &committee, &lines(village)).refused(404, "not_found"));
    }
    for (office, region) in [("township", "440783107"), ("county", "440783")] {
        let official = world.official(office, region).await;
        let what = format!("a {office} elsewhere asks for lines");
        cases.push(Case::get("C106", what, &official, &lines(HERE)).refused(404, "not_found"));
    }
    let villager = world.head(HERE, 1).await;
    let case = Case::get("C106", "a villager asks for all lines", &villager, &lines(HERE));
    cases.push(case.refused(403, "role_required"));
    let smuggled = format!("{}&village={NEXT}", lines(HERE));
    let case = Case::get("C106", "another village is smuggled in", &committee, &smuggled);
    cases.push(case.refused(400, "invalid_query"));
    let case = Case::get("C106", "a committee asks for its own", &committee, &lines(HERE));
    cases.push(case.expecting(Expected::Taken(200)).writes(&["audit_events"]));
    catalogue.run(world, cases).await;
}
