//! What makes a shared program the same one: [`Definition`], taken from a [`SharedRoute`].

use std::sync::Arc;

use crate::{
    backend::{Environment, Program, SharedProgram, Spawner, StreamOptions, Target},
    framing::Framing,
    http::{
        pages::{Mount, MountTarget, Router},
        route_options::RouteOptions,
        share_options::{ShareBy, ShareOptions},
        websocket::Subprotocols,
    },
};

/// A program that is shared, and where.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct SharedRoute<'a> {
    pub(in crate::http) program: &'a Program,
    pub(in crate::http) streams: &'a StreamOptions,
    pub(in crate::http) options: &'a RouteOptions,
    pub(in crate::http) share: &'a Arc<ShareOptions>,
    /// The path that leads to it.
    pub(in crate::http) script_name: &'a str,
    /// The segment behind that, where each has its own.
    pub(in crate::http) room: Option<&'a str>,
}

/// What a program has to be to be the same: its members stay through a reload then.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    program: Program,
    framing: Framing,
    environment: Environment,
    subprotocols: Subprotocols,
}

impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        self.program.is_same(&other.program)
            && self.framing == other.framing
            && self.environment == other.environment
            && self.subprotocols == other.subprotocols
    }
}

impl<'a> SharedRoute<'a> {
    /// What a mount shares, if it does.
    fn of_mount(mount: &'a Mount, room: Option<&'a str>) -> Option<Self> {
        let MountTarget::Fixed(Target::Program(program, streams, _)) = &mount.target else {
            return None;
        };
        Some(SharedRoute {
            program,
            streams,
            options: &mount.options,
            share: mount.options.share.as_ref()?,
            script_name: mount.path.trim_end_matches('/'),
            room,
        })
    }

    /// All of a router that are there whoever comes.
    pub(super) fn all(router: &'a Router) -> impl Iterator<Item = Self> {
        let mounts = router.mounts.iter().chain(&router.fallback);
        let shared = mounts.filter_map(|mount| SharedRoute::of_mount(mount, None));
        shared.filter(|shared| shared.share.by == ShareBy::Route)
    }

    /// Its name for operators: the path.
    pub(in crate::http) fn name(&self) -> String {
        match (self.script_name, self.room) {
            ("", None) => "/".to_owned(),
            (path, None) => path.to_owned(),
            (path, Some(room)) => format!("{path}/{room}"),
        }
    }

    pub(super) fn definition(&self) -> Definition {
        Definition {
            program: self.program.clone(),
            framing: self.streams.framing,
            environment: self.environment(),
            subprotocols: self.options.subprotocols.clone(),
        }
    }

    fn environment(&self) -> Environment {
        let kind = self.share.group.kind.name();
        let environ = &self.options.environ;
        environ.shared_variables(self.script_name, self.room, kind)
    }

    /// What is started for it.
    pub(super) fn to_program(self, spawner: &Spawner) -> SharedProgram {
        SharedProgram {
            program: self.program.clone(),
            streams: *self.streams,
            environment: self.environment(),
            spawner: spawner.clone(),
        }
    }
}

impl Definition {
    /// What is run.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// This very program, where a router leads to it by a path and a segment.
    pub(super) fn find<'a>(
        &'a self,
        router: &'a Router,
        script_name: &'a str,
        room: Option<&'a str>,
    ) -> Option<SharedRoute<'a>> {
        let mounts = router.mounts.iter().chain(&router.fallback);
        let mounted = mounts.filter_map(|mount| SharedRoute::of_mount(mount, room));
        let in_directory = self.in_directory(router, script_name, room);
        mounted.chain(in_directory).find(|shared| {
            let is_by_segment = shared.share.by == ShareBy::Segment;
            is_by_segment == room.is_some()
                && shared.script_name == script_name
                && shared.definition() == *self
        })
    }

    /// The same file on the terms of a directory, if it was found in one.
    fn in_directory<'a>(
        &'a self,
        router: &'a Router,
        script_name: &'a str,
        room: Option<&'a str>,
    ) -> Option<SharedRoute<'a>> {
        let directory = router.directory.as_ref()?;
        let is_there = self.program.entry.is_some() && directory.is_of(&self.program);
        is_there.then_some(SharedRoute {
            program: &self.program,
            streams: directory.streams(),
            options: directory.options(),
            share: directory.options().share.as_ref()?,
            script_name,
            room,
        })
    }
}
