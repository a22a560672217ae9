//! C49: how a token is sent. One header, one scheme, nowhere else.

use reqwest::Method;
use serde_json::json;

use super::super::{Case, Catalogue, Expected, Sent, wire};
use crate::support::{HERE, World, at};

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let nobody = world.anybody();
    let token = zhang.token.clone().expect("a token");
    let me = |what: &str| Case::get("C49", what, &nobody, "/v1/me");
    let missing = |case: Case| case.refused(401, "token_missing");
    let with = |what: &str, value: &[u8]| me(what).header("Authorization", value.to_vec());
    let bearer = |rest: &str| format!("Bearer {rest}").into_bytes();

    let mut cases = vec![
        missing(me("no header")),
        missing(with("an empty header", b"")),
        missing(with("`Bearer` alone", b"Bearer")),
        missing(with("`Bearer` and a space", b"Bearer ")),
        missing(with("`Bearer` and many spaces", b"Bearer        ")),
        missing(with("the token alone", token.as_bytes())),
        // RFC 9110 lets schemes be of any case; our clients write one, and so do all examples.
        missing(with("`bearer` in small letters", format!("bearer {token}").as_bytes())),
        missing(with("`BEARER` in capitals", format!("BEARER {token}").as_bytes())),
        missing(with("Basic", b"Basic emhhbmc6cGFzc3dvcmQ=")),
        missing(with("Digest", b"Digest username=\"zhang\"")),
        missing(with("Token", format!("Token {token}").as_bytes())),
        missing(with("a scheme and a tab", format!("Bearer\t{token}").as_bytes())),
        missing(with("bytes that are no text", b"Bearer \xff\xfe\x80")),
        missing(with("Chinese", "Bearer 令牌".as_bytes())),
        with("two tokens in a header", &bearer(&format!("{token}, {token}")))
            .refused(401, "token_invalid"),
        with("two schemes in a header", &bearer(&format!("{token}, Basic abc")))
            .refused(401, "token_invalid"),
        with("the scheme twice", &bearer(&format!("Bearer {token}"))).refused(401, "token_invalid"),
        with("quotes", &bearer(&format!("\"{token}\""))).refused(401, "token_invalid"),
        with("a space inside", &bearer(&token.replacen('.', ". ", 1)))
            .refused(401, "token_invalid"),
        with("a tab inside", &bearer(&token.replacen('.', "\t.", 1))).refused(401, "token_invalid"),
        with("one letter", &bearer("x")).refused(401, "token_invalid"),
        with("two dots", &bearer("..")).refused(401, "token_invalid"),
        with("null", &bearer("null")).refused(401, "token_invalid"),
        with("undefined", &bearer("undefined")).refused(401, "token_invalid"),
        with("[object Object]", &bearer("[object Object]")).refused(401, "token_invalid"),
        with("SQL", &bearer("' OR '1'='1' --")).refused(401, "token_invalid"),
        with("a path", &bearer("../../../etc/passwd")).refused(401, "token_invalid"),
        with("a template", &bearer("${jndi:ldap://127.0.0.1/a}")).refused(401, "token_invalid"),
        with("10 KB", &bearer(&"A".repeat(10 * 1024))).refused(401, "token_invalid"),
        with("10 KB of dots", &bearer(&".".repeat(10 * 1024))).refused(401, "token_invalid"),
        with("64 KB in three parts", &bearer(&["A".repeat(21_000).as_str(); 3].join(".")))
            .refused(401, "token_invalid"),
        with("a good one of 10 KB more", &bearer(&format!("{token}{}", "A".repeat(10 * 1024))))
            .refused(401, "token_invalid"),
        with("control: a token", &bearer(&token)),
        with("spaces around, which HTTP allows", &bearer(&format!("  {token} "))),
    ];
    let twice = |what: &str, first: &[u8], second: &[u8]| {
        with(what, first).header("Authorization", second.to_vec()).refused(400, "invalid_header")
    };
    cases.extend([
        twice("the same header twice", &bearer(&token), &bearer(&token)),
        twice("a good header, then a bad one", &bearer(&token), b"Bearer x"),
        twice("a bad header, then a good one", b"Bearer x", &bearer(&token)),
        twice("Basic, then a good one", b"Basic abc", &bearer(&token)),
        twice("an empty one, then a good one", b"", &bearer(&token)),
        twice("a good one, then an empty one", &bearer(&token), b""),
    ]);
    for name in ["access_token", "token", "authorization", "Authorization", "bearer", "jwt"] {
        let path = format!("/v1/me?{name}={token}");
        let case = Case::get("C49", format!("in the query as {name}"), &nobody, &path);
        cases.push(missing(case));
        let path = format!("/v1/villages/{HERE}/households?{name}={token}");
        let case = Case::get("C49", format!("in a list's query as {name}"), &nobody, &path);
        cases.push(missing(case));
    }
    for name in ["X-Access-Token", "X-Auth-Token", "Proxy-Authorization", "X-Authorization"] {
        cases.push(missing(me(&format!("in {name}")).header(name, bearer(&token))));
    }
    let cookie = format!("access_token={token}; Authorization=Bearer {token}");
    cases.push(missing(me("in a cookie").header("Cookie", cookie)));
    for name in ["X-User-Id", "X-Forwarded-User", "X-Remote-User", "X-Account"] {
        let case = me(&format!("a name in {name}")).header(name, format!("head {HERE} 1"));
        cases.push(missing(case));
    }
    let body = json!({ "access_token": token });
    let path = "/v1/me/binding-requests";
    cases.push(missing(Case::post("C49", "in the body", &nobody, path, body)));
    cases.push(missing(Case {
        method: Method::DELETE,
        ..Case::get("C49", "in the query of a DELETE", &nobody, &format!("/v1/me?token={token}"))
    }));
    cases.extend(on_the_wire(&nobody, &token));
    catalogue.run(&world, cases).await;
}

/// Header lines that the HTTP parser sees first.
fn on_the_wire(nobody: &crate::support::Actor, token: &str) -> Vec<Case> {
    let unparsed = Expected::Unparsed(400);
    let refused = |code| Expected::Refused(401, code);
    let line = |bytes: &[u8]| [b"Authorization: Bearer ", bytes].concat();
    let lines: Vec<(&str, Vec<Vec<u8>>, Expected)> = vec![
        ("a NUL", vec![line(format!("{token}\0").as_bytes())], unparsed.clone()),
        ("an escape", vec![line(format!("\x1b[2J{token}").as_bytes())], unparsed.clone()),
        ("a backspace", vec![line(format!("{token}\x08").as_bytes())], unparsed.clone()),
        ("a delete", vec![line(format!("{token}\x7f").as_bytes())], unparsed.clone()),
        ("a bare CR", vec![line(format!("x\r{token}").as_bytes())], unparsed.clone()),
        ("a folded line", vec![line(b"x"), format!(" {token}").into_bytes()], unparsed.clone()),
        (
            "a space before the colon",
            vec![format!("Authorization : Bearer {token}").into_bytes()],
            unparsed.clone(),
        ),
        ("a line without a colon", vec![format!("Bearer {token}").into_bytes()], unparsed),
        (
            "two lines in different case",
            vec![line(token.as_bytes()), format!("AUTHORIZATION: Bearer {token}").into_bytes()],
            Expected::Refused(400, "invalid_header"),
        ),
        ("Latin-1", vec![line(b"caf\xe9")], refused("token_missing")),
        ("control: the token", vec![line(token.as_bytes())], Expected::Taken(200)),
    ];
    let case = |(what, lines, expected): (&str, Vec<Vec<u8>>, Expected)| {
        let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        let bytes = wire::get("/v1/me", &lines);
        let case = Case::get("C49", format!("on the wire: {what}"), nobody, "/v1/me");
        Case { sent: Sent::Wire(bytes), ..case }.expecting(expected)
    };
    lines.into_iter().map(case).collect()
}
