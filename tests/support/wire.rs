//! What a client of Postgres sends, message by message, as far as a proxy needs it to know a commit.

use std::collections::HashMap;

/// The code in the first message that asks for a session; before it come requests for encryption.
const SESSION: [u8; 4] = [0, 3, 0, 0];

/// A whole message.
#[derive(Debug)]
pub(super) struct Message {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The statements that it commits, if it commits.
    pub(super) commits: Option<String>,
}

/// Follows what one client sends.
#[derive(Debug, Default)]
pub(super) struct Follower {
    has_session: bool,
    is_inside: bool,
    unread: Vec<u8>,
    prepared: HashMap<Vec<u8>, String>,
    uncommitted: String,
}

impl Follower {
    /// The messages that are whole with this piece.
    pub(super) fn take(&mut self, piece: &[u8]) -> Vec<Message> {
        self.unread.extend_from_slice(piece);
        let mut messages = Vec::new();
        while let Some(length) = self.length() {
            let rest = self.unread.split_off(length);
            let bytes = std::mem::replace(&mut self.unread, rest);
            let commits = self.read(&bytes);
            messages.push(Message { bytes, commits });
        }
        messages
    }

    /// The length of the first message, if all of it is there. Until there is a session, messages have no
    /// letter.
    fn length(&self) -> Option<usize> {
        let letter = usize::from(self.has_session);
        let length = self.unread.get(letter..letter + 4)?;
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize + letter;
        (self.unread.len() >= length).then_some(length)
    }

    fn read(&mut self, message: &[u8]) -> Option<String> {
        if !self.has_session {
            self.has_session = message.get(4..8) == Some(&SESSION);
            return None;
        }
        let mut words = message[5..].split(|byte| *byte == 0);
        let mut word = || words.next().unwrap_or_default();
        match message[0] {
            b'P' => {
                let (name, text) = (word().to_vec(), word());
                self.prepared.insert(name, String::from_utf8_lossy(text).into_owned());
                None
            }
            b'B' => {
                word();
                let text = self.prepared.get(word()).map_or("", String::as_str);
                self.uncommitted.push_str(text);
                None
            }
            b'Q' => {
                let text = String::from_utf8_lossy(word()).to_lowercase();
                self.uncommitted.push_str(&text);
                match text.get(..5) {
                    Some("begin") => self.is_inside = true,
                    Some("commi" | "rollb") => self.is_inside = false,
                    _ => {}
                }
                (!self.is_inside).then(|| std::mem::take(&mut self.uncommitted))
            }
            // Without a transaction around it, this is what commits.
            b'S' if !self.is_inside => Some(std::mem::take(&mut self.uncommitted)),
            _ => None,
        }
    }
}
