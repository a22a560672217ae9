//! Text that others keep for us and can neither read nor change: AES-256-GCM with a random nonce.

use rand::Rng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::derive::derived;

fn key(secret: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &derived(secret, "seal", b"")).ok().map(LessSafeKey::new)
}

/// Nonce and sealed text.
pub fn seal(secret: &[u8], text: &str) -> Option<Vec<u8>> {
    let nonce = rand::rng().random::<[u8; NONCE_LEN]>();
    let mut sealed = text.as_bytes().to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    key(secret)?.seal_in_place_append_tag(unique, Aad::empty(), &mut sealed).ok()?;
    Some([&nonce[..], &sealed].concat())
}

/// The text, if it was sealed with this secret and is unchanged.
pub fn unseal(secret: &[u8], mut sealed: Vec<u8>) -> Option<String> {
    if sealed.len() < NONCE_LEN {
        return None;
    }
    let mut text = sealed.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&sealed).ok()?;
    let opened = key(secret)?.open_in_place(nonce, Aad::empty(), &mut text).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_the_secret_reads_what_was_sealed_unchanged() {
        let sealed = seal(b"secret", "token").expect("a sealed text");
        assert!(!sealed.windows(5).any(|part| part == b"token"));
        assert_eq!(unseal(b"secret", sealed.clone()), Some("token".to_owned()));
        assert_eq!(unseal(b"another", sealed.clone()), None);
        let mut changed = sealed;
        changed[NONCE_LEN] ^= 1;
        assert_eq!(unseal(b"secret", changed), None);
        assert_eq!(unseal(b"secret", vec![1, 2]), None);
    }
}
