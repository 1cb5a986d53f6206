//! Names of rooms, and of groups that a path names.

/// The longest name in bytes.
const LONGEST: usize = 64;

/// Whether something may be a room's name: letters, digits and `_-.~@:=`, 1 to 64 of them, so that it can stand in a
/// path, in a line and in a subject of a broker; `.` and `..` would mean something else in a path.
pub fn is_room_name(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~@:=".contains(byte);
    (1..=LONGEST).contains(&name.len()) && name.iter().all(is_part) && !matches!(name, b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_what_can_stand_in_a_path_and_in_a_line() {
        for name in ["a", "Blue-1", "a.b", "~x", "me@home:1=2", &"x".repeat(64)] {
            assert!(is_room_name(name.as_bytes()), "{name}");
        }
        let others = [
            "", ".", "..", "a b", "a/b", "a\tb", "é", "a*", "a>", "#a", "a,b",
        ];
        for name in others.into_iter().chain([&*"x".repeat(65)]) {
            assert!(!is_room_name(name.as_bytes()), "{name}");
        }
    }
}
