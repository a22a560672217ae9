//! Access tokens: HS256, 15 minutes, every claim required. Roles are not in them: they are read fresh.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::token_seconds;
use crate::kernel::problem::{Code, Outcome, Problem};

const ISSUER: &str = "jifen";
const SECONDS: i64 = 15 * 60;
/// Clocks of replicas may differ by this much.
const LEEWAY_SECONDS: u64 = 5;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    iss: String,
    aud: String,
    typ: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A token to be sent as `Authorization: Bearer …`.
#[derive(Serialize, ToSchema)]
pub struct AccessToken {
    #[schema(example = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    pub access_token: String,
    /// Seconds until it expires, by the real clock also in the sandbox.
    #[schema(example = 900)]
    pub expires_in: i64,
}

/// A token for the account, valid from now on.
pub fn issue(secret: &[u8], account: Uuid) -> Outcome<AccessToken> {
    let now = token_seconds();
    let name = || ISSUER.to_owned();
    let claims = Claims {
        sub: account,
        iss: name(),
        aud: name(),
        typ: "access".to_owned(),
        iat: now,
        nbf: now,
        exp: now + SECONDS,
    };
    let header = Header::new(Algorithm::HS256);
    let access_token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret))
        .map_err(|error| Problem::fault(error.to_string()))?;
    Ok(AccessToken { access_token, expires_in: SECONDS })
}

/// The account a token was issued to.
///
/// # Errors
/// `token_invalid` if anything about it is not as [`issue`] makes it.
pub fn verify(secret: &[u8], token: &str) -> Outcome<Uuid> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY_SECONDS;
    let key = DecodingKey::from_secret(secret);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|_| Code::TokenInvalid)?
        .claims;
    let issued_ahead = claims.iat > token_seconds() + LEEWAY_SECONDS.cast_signed();
    if claims.typ != "access" || issued_ahead {
        return Err(Code::TokenInvalid.into());
    }
    Ok(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of thirty-two bytes or so";

    fn signed(algorithm: Algorithm, change: impl FnOnce(&mut serde_json::Value)) -> String {
        let now = token_seconds();
        let mut claims = serde_json::json!({
            "sub": Uuid::from_u128(7), "iss": ISSUER, "aud": ISSUER, "typ": "access",
            "iat": now, "nbf": now, "exp": now + SECONDS,
        });
        change(&mut claims);
        let key = EncodingKey::from_secret(SECRET);
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).expect("a token")
    }

    #[test]
    fn what_was_issued_is_accepted() {
        let token = issue(SECRET, Uuid::from_u128(7)).expect("a token");
        assert_eq!(verify(SECRET, &token.access_token).expect("an account"), Uuid::from_u128(7));
    }

    #[test]
    fn any_other_claim_algorithm_or_form_is_refused() {
        let now = token_seconds();
        let set = |name: &'static str, value: serde_json::Value| {
            signed(Algorithm::HS256, |claims| claims[name] = value)
        };
        let good = signed(Algorithm::HS256, |_| ());
        let mut flipped = good.clone().into_bytes();
        flipped[40] ^= 1;
        let cases = [
            signed(Algorithm::HS512, |_| ()),
            set("aud", "other".into()),
            set("iss", "other".into()),
            set("typ", "refresh".into()),
            set("exp", (now - 6).into()),
            set("nbf", (now + 60).into()),
            set("nbf", "soon".into()),
            set("iat", (now + 60).into()),
            signed(Algorithm::HS256, |claims| {
                claims.as_object_mut().expect("claims").remove("aud");
            }),
            String::from_utf8_lossy(&flipped).into_owned(),
            format!("{good}="),
            format!("{good}.e30"),
            good.rsplit_once('.').expect("a signature").0.to_owned() + ".",
        ];
        for token in cases {
            assert!(verify(SECRET, &token).is_err(), "{token}");
        }
        assert!(verify(b"another secret of thirty-two bytes", &good).is_err());
    }
}
