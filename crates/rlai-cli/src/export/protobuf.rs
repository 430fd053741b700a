//! The few kinds of fields of protocol buffers that event files need, as their encoding defines them
//! (protobuf.dev, "Encoding").

/// A message that is being written.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH: u8 = 2;
const FOUR_BYTES: u8 = 5;

impl Message {
    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// An `int64` or a `bool`.
    pub fn whole(mut self, field: u8, value: u64) -> Self {
        self.key(field, VARINT);
        self.varint(value);
        self
    }

    /// A `double`.
    pub fn double(mut self, field: u8, value: f64) -> Self {
        self.key(field, EIGHT_BYTES);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A `float`.
    pub fn float(mut self, field: u8, value: f32) -> Self {
        self.key(field, FOUR_BYTES);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A `string` or `bytes`.
    pub fn bytes(mut self, field: u8, value: &[u8]) -> Self {
        self.key(field, LENGTH);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// A message.
    pub fn message(self, field: u8, value: Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn key(&mut self, field: u8, kind: u8) {
        self.varint(u64::from(field) << 3 | u64::from(kind));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_documentation() {
        assert_eq!(Message::default().whole(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::default().bytes(2, b"testing").into_bytes();
        assert_eq!(text, b"\x12\x07testing");
        let nested = Message::default().message(3, Message::default().whole(1, 150));
        assert_eq!(nested.into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let most = Message::default().whole(1, u64::MAX).into_bytes();
        assert_eq!((most.len(), most[10]), (11, 1));
        let numbers = Message::default().double(1, 1.0).float(2, -2.0).into_bytes();
        assert_eq!(numbers, [&[0x09][..], &[0; 6], &[0xf0, 0x3f, 0x15, 0, 0, 0, 0xc0]].concat());
    }
}
