//! Public keys of Ed25519 in the form in which apps publish them.

/// What stands before the 32 bytes in the usual form of a public key: `SEQUENCE { SEQUENCE { OID 1.3.101.112 },
/// BIT STRING (32 bytes) }`; source: RFC 8410.
const HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];

/// The 32 bytes of a key, from the usual form or from themselves; none where it is no such key.
pub fn bare(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.strip_prefix(&HEAD[..]).unwrap_or(bytes).try_into().ok()
}

/// The usual form (SPKI) of a key's 32 bytes.
pub fn published(key: &[u8]) -> Vec<u8> {
    [&HEAD[..], key].concat()
}
