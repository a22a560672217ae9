//! C50 to C56: tokens that nobody issued, tried at several doors.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::{Case, Catalogue, Expected, Sent};
use crate::support::{Actor, HERE, World, at, claim, new_id};

/// The parts of a good token, and the key that sealed it.
struct Forge {
    secret: Vec<u8>,
    header: Value,
    claims: Value,
}

/// A row, what was done, and the token.
type Forged = (&'static str, String, String);

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sealed(header: &str, claims: &str, secret: &[u8], algorithm: Algorithm) -> String {
    let message = format!("{}.{}", coded(header), coded(claims));
    let key = EncodingKey::from_secret(secret);
    let seal = crypto::sign(message.as_bytes(), &key, algorithm).expect("a signature");
    format!("{message}.{seal}")
}

impl Forge {
    fn with_the_key_of(world: &World, token: &str) -> Self {
        let part = |at: usize| {
            let part = token.split('.').nth(at).expect("a part");
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64");
            serde_json::from_slice(&bytes).expect("JSON")
        };
        let secret = world.app.config.secrets.tokens().next().expect("a secret").to_vec();
        Self { secret, header: part(0), claims: part(1) }
    }

    fn seal(&self, header: &str, claims: &str) -> String {
        sealed(header, claims, &self.secret, Algorithm::HS256)
    }

    fn claiming(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.seal(&self.header.to_string(), &claims.to_string())
    }

    fn without(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("claims").remove(name);
        self.seal(&self.header.to_string(), &claims.to_string())
    }

    fn headed(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.seal(&header.to_string(), &self.claims.to_string())
    }

    fn now(&self) -> i64 {
        self.claims["iat"].as_i64().expect("a time")
    }
}

/// C50: no signature, whatever the header calls it.
fn unsigned(forge: &Forge) -> Vec<Forged> {
    let mut tokens = Vec::new();
    let claims = coded(forge.claims.to_string());
    for name in ["none", "None", "NONE", "nOnE", "none ", "null", ""] {
        let mut header = forge.header.clone();
        header["alg"] = json!(name);
        let header = coded(header.to_string());
        tokens.push(("C50", format!("alg `{name}`, no signature"), format!("{header}.{claims}.")));
        tokens.push(("C50", format!("alg `{name}`, two parts"), format!("{header}.{claims}")));
        let full = forge.headed("alg", json!(name));
        tokens.push(("C50", format!("alg `{name}`, the right signature"), full));
    }
    for odd in [json!(null), json!(0), json!(true), json!(["HS256"]), json!({ "HS256": 1 })] {
        tokens.push(("C50", format!("alg {odd}"), forge.headed("alg", odd)));
    }
    let header = coded(forge.header.to_string());
    for seal in ["", "AA", "====", "null", "e30"] {
        let token = format!("{header}.{claims}.{seal}");
        tokens.push(("C50", format!("alg HS256, signature `{seal}`"), token));
    }
    let zeros = format!("{header}.{claims}.{}", coded([0; 32]));
    tokens.push(("C50", "alg HS256, a signature of zeros".to_owned(), zeros));
    tokens
}

/// C52: another algorithm, and other keys.
fn otherwise_signed(forge: &Forge) -> Vec<Forged> {
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let mut tokens = Vec::new();
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let named = header.replace("HS256", name);
        let token = sealed(&named, &claims, &forge.secret, algorithm);
        tokens.push(("C52", format!("{name} with the right secret"), token));
        let token = sealed(&header, &claims, &forge.secret, algorithm);
        tokens.push(("C52", format!("{name} that calls itself HS256"), token));
        tokens.push((
            "C52",
            format!("HS256 that calls itself {name}"),
            forge.seal(&named, &claims),
        ));
    }
    for name in ["hs256", "Hs256", "HS256 ", "HMAC", "RS256", "PS256", "ES256", "EdDSA", "A128KW"] {
        tokens.push((
            "C52",
            format!("HS256 that calls itself {name}"),
            forge.headed("alg", name.into()),
        ));
    }
    let other = |secret: &[u8]| sealed(&header, &claims, secret, Algorithm::HS256);
    let kid = forge.header["kid"].as_str().unwrap_or_default().as_bytes().to_vec();
    let mut longer = forge.secret.clone();
    longer.push(b'\n');
    for (what, secret) in [
        ("an empty key", &b""[..]),
        ("the key `secret`", b"secret"),
        ("the key's name as key", &kid),
        ("the right key and a line end", &longer),
        ("a key of zeros", &[0; 32]),
    ] {
        tokens.push(("C52", what.to_owned(), other(secret)));
    }
    for name in ["jwk", "jku", "x5u", "x5c"] {
        let mut header = forge.header.clone();
        header[name] = json!({ "kty": "oct", "k": coded("mine"), "alg": "HS256" });
        let token = sealed(&header.to_string(), &claims, b"mine", Algorithm::HS256);
        tokens.push(("C52", format!("a key of the forger's own in {name}"), token));
    }
    tokens
}

/// C53: altered after it was sealed, or of another form, or by a key of another name.
fn altered(forge: &Forge) -> Vec<Forged> {
    let good = forge.seal(&forge.header.to_string(), &forge.claims.to_string());
    let parts: Vec<_> = good.split('.').map(str::to_owned).collect();
    let joined = |at: usize, part: String| {
        let mut parts = parts.clone();
        parts[at] = part;
        parts.join(".")
    };
    let mut tokens = Vec::new();
    for (at, name) in ["header", "payload", "signature"].into_iter().enumerate() {
        let bytes = URL_SAFE_NO_PAD.decode(&parts[at]).expect("base64");
        for byte in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[byte] ^= 1 << (byte % 8);
            let what = format!("bit {} of byte {byte} of the {name} flipped", byte % 8);
            tokens.push(("C53", what, joined(at, coded(flipped))));
        }
        for (what, part) in [
            ("padded", format!("{}=", parts[at])),
            ("padded twice", format!("{}==", parts[at])),
            ("as padded base64", URL_SAFE.encode(&bytes) + "="),
            ("with a line end", STANDARD.encode(&bytes) + "%0A"),
            ("left out", String::new()),
            ("cut by one", parts[at].split_at(parts[at].len() - 1).0.to_owned()),
            ("longer by one", format!("{}A", parts[at])),
            ("twice", parts[at].repeat(2)),
            ("with a `+`", format!("+{}", parts[at])),
        ] {
            tokens.push(("C53", format!("the {name} {what}"), joined(at, part)));
        }
    }
    // The last letter of 32 bytes in base64 holds two bits that mean nothing.
    let last = parts[2].chars().last().expect("a letter");
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = letters.find(last).expect("base64");
    for bits in 1..4 {
        let other = letters.chars().nth(place ^ bits).expect("a letter");
        let part = format!("{}{other}", parts[2].split_at(42).0);
        tokens.push((
            "C53",
            format!("the same signature written otherwise, {bits}"),
            joined(2, part),
        ));
    }
    for (what, token) in [
        ("an extra part", format!("{good}.e30")),
        ("an extra dot", format!("{good}.")),
        ("a dot before", format!(".{good}")),
        ("five parts", format!("{good}.AAAA.AAAA")),
        (
            "a JWE",
            format!(
                "{}..{}.{}.{}",
                coded("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}"),
                coded([1; 12]),
                coded([2; 64]),
                coded([3; 16])
            ),
        ),
        ("parts in another order", format!("{}.{}.{}", parts[1], parts[0], parts[2])),
        ("the signature alone", format!("..{}", parts[2])),
        (
            "as JSON",
            json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] })
                .to_string(),
        ),
        ("in capitals", good.to_uppercase()),
        ("backwards", good.chars().rev().collect()),
        (
            "an unsealed form (b64 false)",
            forge.headed("b64", json!(false)).replacen(&parts[1], "{}", 1),
        ),
    ] {
        tokens.push(("C53", what.to_owned(), token));
    }
    for (what, text) in [
        ("a header that is no JSON", "HS256".to_owned()),
        ("a header that is a list", "[]".to_owned()),
        ("a header nested 10 000 deep", "[".repeat(10_000)),
    ] {
        tokens.push(("C53", what.to_owned(), forge.seal(&text, &forge.claims.to_string())));
    }
    tokens.extend(by_other_keys(forge));
    tokens.extend(of_odd_claims(forge));
    tokens
}

fn by_other_keys(forge: &Forge) -> Vec<Forged> {
    let own = forge.header["kid"].as_str().expect("a name").to_owned();
    let mut nameless = forge.header.clone();
    nameless.as_object_mut().expect("a header").remove("kid");
    let token = forge.seal(&nameless.to_string(), &forge.claims.to_string());
    let mut tokens = vec![("C53", "no kid".to_owned(), token)];
    for (what, kid) in [
        ("an empty kid", json!("")),
        ("a foreign kid", json!("0123456789abcdef")),
        ("a kid in capitals", json!(own.to_uppercase())),
        ("a kid with a space", json!(format!("{own} "))),
        ("a kid with a NUL", json!(format!("{own}\0"))),
        ("half a kid", json!(own.split_at(8).0)),
        ("a kid of 10 KB", json!("k".repeat(10 * 1024))),
        ("a kid that is a path", json!("../../../../dev/null")),
        ("a kid that is SQL", json!("' UNION SELECT 'secret' --")),
        ("a kid that is a URL", json!("http://127.0.0.1/key")),
        ("a kid that is a command", json!("| cat /etc/passwd")),
        ("a kid that is null", json!(null)),
        ("a kid that is a number", json!(1)),
        ("a kid that is a list", json!([own])),
    ] {
        tokens.push(("C53", what.to_owned(), forge.headed("kid", kid)));
    }
    let mut header = forge.header.clone();
    header["kid"] = json!("../../../../dev/null");
    let token = sealed(&header.to_string(), &forge.claims.to_string(), b"", Algorithm::HS256);
    tokens.push(("C53", "a kid that is a path, sealed with nothing".to_owned(), token));
    tokens
}

/// Sealed with the right key, yet no claims of ours.
fn of_odd_claims(forge: &Forge) -> Vec<Forged> {
    let header = forge.header.to_string();
    let claims = forge.claims.to_string();
    let again =
        |name: &str, value: &Value| claims.replacen('{', &format!("{{\"{name}\":{value},"), 1);
    let mut tokens = Vec::new();
    for (what, text) in [
        ("no claims", String::new()),
        ("empty claims", "{}".to_owned()),
        ("claims that are null", "null".to_owned()),
        ("claims that are a list", format!("[{claims}]")),
        ("claims that are a text", json!(claims).to_string()),
        ("claims nested 10 000 deep", "{\"a\":".repeat(10_000)),
        ("sub twice", again("sub", &json!(new_id()))),
        ("sid twice", again("sid", &json!(new_id()))),
        ("exp twice", again("exp", &json!(forge.now() + 9))),
        ("something after the claims", format!("{claims}{{}}")),
    ] {
        tokens.push(("C53", what.to_owned(), forge.seal(&header, &text)));
    }
    for name in ["sub", "sid"] {
        tokens.push(("C53", format!("no {name}"), forge.without(name)));
        for value in [
            json!("zhang"),
            json!(""),
            json!(null),
            json!(1),
            json!([forge.claims[name]]),
            json!("' OR 1=1 --"),
            json!(new_id()),
            json!("00000000-0000-0000-0000-000000000000"),
        ] {
            tokens.push(("C53", format!("{name} {value}"), forge.claiming(name, value)));
        }
    }
    tokens
}

/// C55: times that are not now, or no times.
fn at_other_times(forge: &Forge) -> Vec<Forged> {
    let now = forge.now();
    let mut tokens = Vec::new();
    let words = [
        json!("soon"),
        json!(now.to_string()),
        json!("2024-08-21T00:00:00Z"),
        json!(""),
        json!(null),
        json!(true),
        json!([now]),
        json!({ "$gt": 0 }),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
    ];
    for name in ["nbf", "iat", "exp"] {
        tokens.push(("C55", format!("no {name}"), forge.without(name)));
        for word in &words {
            tokens.push(("C55", format!("{name} {word}"), forge.claiming(name, word.clone())));
        }
        let float = serde_json::Number::from_f64(now as f64 + 0.5).map(Value::Number);
        let float = forge.claiming(name, float.expect("a number"));
        tokens.push(("C55", format!("{name} a fraction"), float));
    }
    for ahead in [6, 60, 86_400, 1_000_000_000, i64::MAX - now] {
        for name in ["nbf", "iat"] {
            let token = forge.claiming(name, json!(now + ahead));
            tokens.push(("C55", format!("{name} in {ahead} s"), token));
        }
    }
    for ago in [5, 6, 60, 86_400, now, now + 1] {
        let token = forge.claiming("exp", json!(now - ago));
        tokens.push(("C55", format!("exp {ago} s ago"), token));
    }
    let token = forge.claiming("exp", json!(i64::MIN));
    tokens.push(("C55", "exp at the beginning of numbers".to_owned(), token));
    tokens
}

/// C56: for another audience, by another issuer, for another use.
fn for_others(forge: &Forge) -> Vec<Forged> {
    let mut tokens = Vec::new();
    for name in ["aud", "iss", "typ"] {
        tokens.push(("C56", format!("no {name}"), forge.without(name)));
        let own = forge.claims[name].as_str().expect("a word");
        for value in [
            json!("other"),
            json!(""),
            json!(null),
            json!(1),
            json!([]),
            json!([own]),
            json!([own, "other"]),
            json!({ "0": own }),
            json!(own.to_uppercase()),
            json!(format!("{own} ")),
            json!(format!("{own}\0")),
            json!(format!("https://{own}")),
        ] {
            tokens.push(("C56", format!("{name} {value}"), forge.claiming(name, value)));
        }
    }
    for typ in ["refresh", "id", "pickup", "Bearer", "JWT", "at+jwt"] {
        tokens.push(("C56", format!("typ {typ}"), forge.claiming("typ", json!(typ))));
    }
    tokens
}

/// A door: method, path and body.
type Door = (Method, String, Sent);

fn doors(world: &World) -> Vec<Door> {
    let village = format!("/v1/villages/{HERE}");
    let body = claim(
        1,
        "ent.coop",
        json!({
            "occurred_on": world.app.clock.now().day().to_string(),
            "evidence": [{ "kind": "certificate", "reference": "门前" }],
        }),
    );
    vec![
        (Method::GET, "/v1/me".to_owned(), Sent::Nothing),
        (Method::DELETE, "/v1/me".to_owned(), Sent::Nothing),
        (Method::POST, format!("{village}/claims"), Sent::Json(body)),
        (Method::GET, format!("{village}/households"), Sent::Nothing),
        (Method::GET, "/v1/regions/460205/grants".to_owned(), Sent::Nothing),
        (Method::DELETE, "/v1/me/devices".to_owned(), Sent::Nothing),
        (Method::PUT, "/v1/me/inbox/seen".to_owned(), Sent::Json(json!({ "id": new_id() }))),
    ]
}

fn case(who: &Actor, (row, what, token): Forged, door: &Door) -> Case {
    let (method, path, sent) = door.clone();
    let what = format!("{what}, at {method} {path}");
    let case = Case { method, sent, ..Case::get(row, what, who, &path) };
    let case = case.header("Authorization", format!("Bearer {token}"));
    case.header("Idempotency-Key", new_id().to_string())
}

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let nobody = world.anybody();
    let forge = Forge::with_the_key_of(&world, zhang.token.as_deref().expect("a token"));
    let doors = doors(&world);
    let tokens: Vec<_> = [unsigned, otherwise_signed, altered, at_other_times, for_others]
        .iter()
        .flat_map(|forgery| forgery(&forge))
        .collect();
    let mut cases = Vec::new();
    // The forge works: what it seals unchanged, or changes within what is allowed, is taken.
    for (what, token) in [
        ("control: unchanged", forge.claiming("iss", forge.claims["iss"].clone())),
        ("control: a clock ahead by the leeway", forge.claiming("nbf", json!(forge.now() + 5))),
        ("control: one claim more", forge.claiming("jti", json!("x"))),
    ] {
        cases.push(case(&nobody, ("C50", what.to_owned(), token), &doors[0]));
    }
    for (at, forged) in tokens.into_iter().enumerate() {
        // Everything at one of the doors in turn, and what is not just a flipped bit at the first too.
        let first = (!forged.1.contains("flipped")).then_some(&doors[0]);
        for door in first.into_iter().chain([&doors[1 + at % (doors.len() - 1)]]) {
            let case = case(&nobody, forged.clone(), door);
            cases.push(case.expecting(Expected::Refused(401, "token_invalid")));
        }
    }
    catalogue.run(&world, cases).await;
    let well = zhang.get("/v1/me").await.status == 200;
    catalogue.check("C53", "the token they were made from still is one", well);
}
