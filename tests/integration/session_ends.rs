//! Nothing is lost where a session ends, and nothing holds it longer than it should: what `docs/sessions.md` says.

use crate::support::{
    Gateway,
    client::{CLOSE, PING, PONG, TEXT, frame},
};

#[test]
fn control_frames_are_answered_behind_a_burst_that_no_program_reads() {
    let message = frame(true, TEXT, &[b'x'; 4095]);
    // 64 KiB are the pipe's, 32 KiB more wait.
    for (count, at_once) in [(17, 17), (24, 24), (24, 1)] {
        let server = Gateway::with("sleep 1000").start();
        let mut client = server.connect();
        for _ in 0..count / at_once {
            client.send_raw(&message.repeat(at_once));
        }
        client.send_frame(true, PING, b"there?");
        assert_eq!(client.receive().opcode, PONG, "{count}, {at_once} at once");
        client.send_frame(true, CLOSE, &1000_u16.to_be_bytes());
        assert_eq!(client.receive().opcode, CLOSE);
    }
}
