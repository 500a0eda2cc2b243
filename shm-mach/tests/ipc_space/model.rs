//! What a space should do, said as plainly as possible: one map from names to flat records, every
//! question answered by looking through all of them, every effect a line of text.

use std::collections::BTreeMap;

/// The task whose space this is.
pub(crate) const ME: u64 = 1;

/// A port and its receiver.
pub(crate) type To = (u32, u64);

/// Everything that may be under a name; what is not there is `None`, 0 or false.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thing {
    pub(crate) to: Option<To>,
    pub(crate) sends: u32,
    pub(crate) receive: Option<u64>,
    pub(crate) once: Option<u64>,
    pub(crate) set: Option<u64>,
    pub(crate) dead: u32,
    /// A request: its handle, and `d`ead name, `l`ater, or `p`ossible.
    pub(crate) ask: Option<(u64, char)>,
    /// `-`, `0` or `v`.
    pub(crate) guard: char,
    pub(crate) immovable: bool,
    pub(crate) rescued: bool,
    pub(crate) leads: u32,
}

/// A right that arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arrival {
    Send(To),
    Once(To, u64),
    Receive(To, u64),
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) things: BTreeMap<u32, Thing>,
    pub(crate) lines: usize,
    pub(crate) gone: bool,
    pub(crate) log: Vec<String>,
}

/// Mach's code, 0 for success.
pub(crate) type Code<T = ()> = Result<T, i32>;

fn unreal(name: u32) -> bool {
    name == 0 || name == u32::MAX
}

fn peg(count: u32) -> u32 {
    count.min(65_535)
}

/// What is left of a count after a change.
fn shifted(count: u32, delta: i64) -> Code<u32> {
    let after = i64::from(count) + delta;
    match () {
        () if delta.abs() > 65_535 => Err(18),
        () if count == 65_535 && delta == -65_535 => Ok(0),
        () if count == 65_535 => Ok(count),
        () if after < 0 => Err(18),
        () => Ok(peg(after as u32)),
    }
}

impl Thing {
    pub(crate) fn bits(&self) -> u32 {
        let mut bits = 0;
        let mut set = |is_set: bool, bit: u32| bits |= if is_set { 1 << bit } else { 0 };
        set(self.sends > 0, 16);
        set(self.receive.is_some(), 17);
        set(self.once.is_some(), 18);
        set(self.set.is_some(), 19);
        set(self.dead > 0, 20);
        set(self.ask.is_some(), 31);
        set(matches!(self.ask, Some((_, 'p'))), 30);
        set(matches!(self.ask, Some((_, 'l'))), 29);
        bits
    }

    pub(crate) fn refs(&self, right: u32) -> u32 {
        let flag = |is_set: bool| u32::from(is_set);
        match right {
            0 => self.sends,
            1 => flag(self.receive.is_some()),
            2 => flag(self.once.is_some()),
            3 => flag(self.set.is_some()),
            4 => self.dead,
            _ => 0,
        }
    }

    pub(crate) fn table_urefs(&self) -> u32 {
        self.sends + self.dead + u32::from(self.once.is_some())
    }

    fn is_empty(&self) -> bool {
        self.bits() & 0x1f_0000 == 0
    }
}

impl Model {
    pub(crate) fn new(lines: usize) -> Self {
        Self { things: BTreeMap::new(), lines, gone: false, log: Vec::new() }
    }

    fn here(&self) -> Code {
        if self.gone { Err(16) } else { Ok(()) }
    }

    fn thing(&mut self, name: u32) -> Code<&mut Thing> {
        self.here()?;
        self.things.get_mut(&name).ok_or(15)
    }

    fn say(&mut self, line: String) {
        self.log.push(line);
    }

    /// The name of the rights to a port, send-once rights left out.
    fn joined(&self, to: To) -> Option<u32> {
        let mut found = self.things.iter().filter(|(_, it)| it.to == Some(to) && it.once.is_none());
        found.next().map(|(name, _)| *name)
    }

    /// A new record, under the name that the space says it took.
    fn create(&mut self, got: Option<u32>, thing: Thing) -> Code<u32> {
        if self.things.len() + 1 >= self.lines {
            return Err(3);
        }
        let name = got.expect("there was room for another name");
        assert!(name & 3 == 3 && name >> 8 != 0 && ((name >> 8) as usize) < self.lines);
        let index = name >> 8;
        assert!(self.things.keys().all(|other| other >> 8 != index), "{name:#x} is not new");
        self.things.insert(name, Thing { guard: '-', ..thing });
        Ok(name)
    }

    /// Whether somebody may choose a name; true when it is there already.
    fn choose(&self, name: u32) -> Code<bool> {
        let index = name >> 8;
        if index as usize >= self.lines {
            return Err(3);
        }
        if name % 4 != 3 {
            return Err(18);
        }
        let busy = self.things.keys().find(|other| **other >> 8 == index);
        match busy {
            _ if index == 0 => Err(5),
            Some(other) if *other != name => Err(5),
            busy => Ok(busy.is_some()),
        }
    }

    pub(crate) fn allocate(&mut self, chosen: Option<u32>, got: Option<u32>, thing: Thing) -> Code<u32> {
        self.here()?;
        if chosen.is_some_and(unreal) {
            return Err(18);
        }
        if thing.receive.is_some() && thing.to.is_some_and(|to| self.joined(to).is_some()) {
            return Err(21);
        }
        match chosen {
            Some(name) if thing.dead == 0 => {
                if self.choose(name)? {
                    return Err(13);
                }
                self.create(Some(name), thing)
            }
            _ => self.create(got, thing),
        }
    }

    pub(crate) fn arrive(&mut self, chosen: Option<u32>, got: Option<u32>, right: Arrival) -> Code<u32> {
        self.here()?;
        if chosen.is_some_and(unreal) {
            return Err(18);
        }
        let taken = chosen.map(|name| self.choose(name)).transpose()?.unwrap_or(false);
        let known = match right {
            Arrival::Send(to) => self.joined(to),
            Arrival::Once(..) => None,
            Arrival::Receive((port, from), _) => {
                self.joined((port, ME)).or_else(|| self.joined((port, from)))
            }
        };
        match (known, chosen) {
            (None, Some(_)) if taken => return Err(13),
            (Some(known), Some(name)) if known != name => return Err(21),
            _ => {}
        }
        if let (Some(name), Arrival::Receive(..)) = (known, right)
            && self.things[&name].receive.is_some()
        {
            return Err(21);
        }
        let name = match known {
            Some(name) => name,
            None => self.create(chosen.or(got), Thing::default())?,
        };
        self.put(name, right, known.is_none());
        Ok(name)
    }

    fn put(&mut self, name: u32, right: Arrival, is_new: bool) {
        if let Arrival::Receive((port, from), _) = right {
            self.follow(port, from, ME);
        }
        let thing = self.things.get_mut(&name).unwrap();
        match right {
            Arrival::Send(to) => {
                let surplus = thing.sends > 0;
                thing.to = Some(to);
                thing.sends = peg(thing.sends + 1);
                if surplus {
                    self.say(format!("surplus {to:?}"));
                }
            }
            Arrival::Once(to, handle) => (thing.to, thing.once) = (Some(to), Some(handle)),
            Arrival::Receive((port, _), handle) => {
                (thing.to, thing.receive, thing.leads) = (Some((port, ME)), Some(handle), 0);
                (thing.guard, thing.immovable, thing.rescued) = ('-', false, false);
            }
        }
        assert!(is_new || self.things[&name].once.is_none());
    }

    /// What is held of a port for one receiver is held for another, unless a name is in the way.
    fn follow(&mut self, port: u32, from: u64, to: u64) {
        let blocked = self.joined((port, to)).is_some();
        for thing in self.things.values_mut() {
            if from != to && thing.to == Some((port, from)) && (thing.once.is_some() || !blocked) {
                (thing.to, thing.leads) = (Some((port, to)), 0);
            }
        }
    }

    pub(crate) fn rebind(&mut self, port: u32, from: u64, to: u64) -> Code {
        self.here()?;
        if let (Some(name), true) = (self.joined((port, from)), from != to)
            && (self.things[&name].receive.is_some() || self.joined((port, to)).is_some())
        {
            return Err(21);
        }
        self.follow(port, from, to);
        Ok(())
    }

    /// Frees the name if nothing is left under it; a request on it hears of that.
    fn tidy(&mut self, name: u32) {
        if self.things[&name].is_empty() {
            let thing = self.things.remove(&name).unwrap();
            if let Some((handle, _)) = thing.ask {
                self.say(format!("deleted {handle} {name}"));
            }
        }
    }

    /// All that is held of a dead port becomes dead names.
    fn bury(&mut self, to: To) {
        let names: Vec<u32> = self.things.keys().copied().collect();
        for name in names {
            let thing = self.things.get_mut(&name).unwrap();
            if thing.to != Some(to) {
                continue;
            }
            let mut dead = thing.sends + u32::from(thing.once.is_some());
            if let Some(handle) = thing.once {
                self.log.push(format!("dead {handle}"));
            }
            let ask = thing.ask.take();
            if let Some((handle, _)) = ask {
                dead = peg(dead + 1);
                self.log.push(format!("died {handle} {name}"));
            }
            *thing = Thing { dead, guard: '-', ..Thing::default() };
        }
    }

    pub(crate) fn died(&mut self, to: To) {
        let mine = self.joined(to).is_some_and(|name| self.things[&name].receive.is_some());
        if !mine {
            self.bury(to);
        }
    }

    /// The receive right leaves the name for good.
    fn lose_receive(&mut self, name: u32) {
        let thing = self.things.get_mut(&name).unwrap();
        let (handle, to) = (thing.receive.take().unwrap(), thing.to.unwrap());
        let rescued = std::mem::take(&mut thing.rescued);
        thing.leads = 0;
        let is_alone = thing.sends == 0;
        self.say(format!("{} {} {handle}", if rescued { "returned" } else { "destroyed" }, to.0));
        if is_alone {
            self.tidy(name);
        }
        if !rescued {
            self.bury(to);
        }
    }

    fn lose_sends(&mut self, name: u32, left: u32) {
        let thing = self.things.get_mut(&name).unwrap();
        let to = thing.to.unwrap();
        thing.sends = left;
        if left == 0 {
            self.say(format!("released {to:?}"));
        }
        self.tidy(name);
    }

    fn lose_dead(&mut self, name: u32, left: u32) {
        self.things.get_mut(&name).unwrap().dead = left;
        self.tidy(name);
    }

    fn lose_all(&mut self, name: u32) {
        let thing = self.things.remove(&name).unwrap();
        if thing.sends > 0 {
            self.say(format!("released {:?}", thing.to.unwrap()));
        }
        if let Some(handle) = thing.once {
            self.say(format!("unused {:?} {handle}", thing.to.unwrap()));
        }
        if let Some(handle) = thing.set {
            self.say(format!("set {handle}"));
        }
        if let Some(handle) = thing.receive {
            let to = thing.to.unwrap();
            self.say(format!("{} {} {handle}", if thing.rescued { "returned" } else { "destroyed" }, to.0));
            if !thing.rescued {
                self.bury(to);
            }
        }
        if let Some((handle, _)) = thing.ask {
            self.say(format!("deleted {handle} {name}"));
        }
    }

    pub(crate) fn get_refs(&mut self, name: u32, right: u32) -> Code<u32> {
        self.here()?;
        match (right, name) {
            (6.., _) => Err(18),
            (0 | 2, 0 | u32::MAX) => Ok(1),
            _ => Ok(self.thing(name)?.refs(right)),
        }
    }

    pub(crate) fn type_bits(&mut self, name: u32) -> Code<u32> {
        self.here()?;
        if name == u32::MAX { Ok(1 << 20) } else { Ok(self.thing(name)?.bits() & !0x6000_0000) }
    }

    pub(crate) fn deallocate(&mut self, name: u32) -> Code {
        self.here()?;
        if unreal(name) {
            return Ok(());
        }
        let thing = self.thing(name)?.clone();
        let one_less = |count: u32| if count == 65_535 { count } else { count - 1 };
        match () {
            () if thing.dead > 0 => self.lose_dead(name, one_less(thing.dead)),
            () if thing.sends > 0 => self.lose_sends(name, one_less(thing.sends)),
            () if thing.receive.is_some() => return Err(17),
            () => self.lose_all(name),
        }
        Ok(())
    }

    pub(crate) fn destroy(&mut self, name: u32) -> Code {
        self.here()?;
        if unreal(name) {
            return Ok(());
        }
        let thing = self.thing(name)?;
        if thing.receive.is_some() && thing.guard == 'v' {
            return Err(17);
        }
        self.lose_all(name);
        Ok(())
    }

    pub(crate) fn mod_refs(&mut self, name: u32, right: u32, delta: i32) -> Code {
        self.here()?;
        if right > 5 {
            return Err(18);
        }
        if unreal(name) {
            return if right == 0 || right == 2 { Ok(()) } else { Err(15) };
        }
        let thing = self.thing(name)?.clone();
        let held = thing.refs(right);
        if held == 0 {
            return Err(17);
        }
        match (right, delta) {
            (0, _) => self.lose_sends_or_gain(name, shifted(held, delta.into())?),
            (4, _) => self.lose_dead(name, shifted(held, delta.into())?),
            (_, 0) => {}
            (1, -1) if thing.guard != '-' => return Err(17),
            (1, -1) => self.lose_receive(name),
            (_, -1) => self.lose_all(name),
            _ => return Err(18),
        }
        Ok(())
    }

    fn lose_sends_or_gain(&mut self, name: u32, count: u32) {
        if count == 0 {
            self.lose_sends(name, 0);
        } else {
            self.things.get_mut(&name).unwrap().sends = count;
        }
    }

    pub(crate) fn destruct(&mut self, name: u32, delta: i32) -> Code {
        let thing = self.thing(name)?.clone();
        if thing.receive.is_none() || (delta != 0 && thing.sends == 0) {
            return Err(17);
        }
        if delta > 0 {
            return Err(18);
        }
        if delta < 0 {
            let left = shifted(thing.sends, delta.into())?;
            self.lose_sends_or_gain(name, left);
        }
        self.lose_receive(name);
        Ok(())
    }

    /// Says what travels, in words.
    pub(crate) fn copyin(&mut self, name: u32, disposition: u32) -> Code<String> {
        let thing = self.thing(name)?.clone();
        let to = thing.to.unwrap_or_default();
        let left = |count: u32| if count == 65_535 { count } else { count - 1 };
        match disposition {
            17..=19 if thing.dead > 0 => {
                if disposition != 19 {
                    self.lose_dead(name, left(thing.dead));
                }
                Ok("dead".into())
            }
            16 if thing.receive.is_some() => {
                if thing.immovable {
                    return Err(20);
                }
                let it = self.things.get_mut(&name).unwrap();
                (it.receive, it.rescued, it.leads) = (None, false, 0);
                self.tidy(name);
                Ok(format!("receive {} {}", to.0, thing.receive.unwrap()))
            }
            17 if thing.sends > 0 => {
                let left = left(thing.sends);
                self.things.get_mut(&name).unwrap().sends = left;
                self.tidy(name);
                Ok(format!("send {to:?} {}", if left == 0 { "Moved" } else { "Copied" }))
            }
            18 if thing.once.is_some() => {
                self.things.get_mut(&name).unwrap().once = None;
                self.tidy(name);
                Ok(format!("once {to:?} Moved {}", thing.once.unwrap()))
            }
            19 if thing.sends > 0 => Ok(format!("send {to:?} Copied")),
            20 if thing.receive.is_some() => Ok(format!("send {to:?} Made")),
            21 if thing.receive.is_some() => Ok(format!("once {to:?} Made {}", thing.receive.unwrap())),
            _ => Err(17),
        }
    }

    pub(crate) fn insert_same(&mut self, name: u32, disposition: u32) -> Code {
        self.here()?;
        if unreal(name) || !(19..=20).contains(&disposition) {
            return Err(18);
        }
        let thing = self.thing(name)?;
        match () {
            () if thing.dead > 0 => Err(20),
            () if thing.refs(if disposition == 20 { 1 } else { 0 }) == 0 => Err(17),
            () => {
                thing.sends = peg(thing.sends + 1);
                Ok(())
            }
        }
    }

    pub(crate) fn ask(&mut self, name: u32, ask: Option<(u64, char)>) -> Code<Option<u64>> {
        self.here()?;
        if unreal(name) {
            return Err(4);
        }
        let thing = self.thing(name)?;
        match ask {
            _ if thing.set.is_some() => Err(17),
            None if thing.dead > 0 => Ok(None),
            Some((_, 'd')) if thing.dead > 0 => Err(4),
            Some((handle, _)) if thing.dead > 0 => {
                thing.dead = peg(thing.dead + 1);
                self.say(format!("died {handle} {name}"));
                Ok(None)
            }
            ask => Ok(std::mem::replace(&mut thing.ask, ask).map(|(handle, _)| handle)),
        }
    }

    pub(crate) fn arm(&mut self, name: u32) -> Code<bool> {
        let thing = self.thing(name)?;
        match &mut thing.ask {
            Some((_, kind @ ('l' | 'p'))) => {
                *kind = 'p';
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn possible(&mut self, to: To) {
        for (name, thing) in &mut self.things {
            if let (Some((handle, 'p')), true) = (thing.ask, thing.to == Some(to)) {
                thing.ask = None;
                self.log.push(format!("possible {handle} {name}"));
            }
        }
    }

    pub(crate) fn traits(&mut self, name: u32, guard: char, immovable: bool, rescued: bool) -> Code {
        let thing = self.thing(name)?;
        if thing.receive.is_none() {
            return Err(17);
        }
        (thing.guard, thing.immovable, thing.rescued) = (guard, immovable, rescued);
        Ok(())
    }

    pub(crate) fn lead(&mut self, name: u32, leads: u32) -> Code {
        let thing = self.thing(name)?;
        if thing.dead > 0 {
            return Err(17);
        }
        thing.leads = leads;
        Ok(())
    }

    pub(crate) fn teardown(&mut self) {
        let is_first = |model: &Self, name: &u32| model.things[name].receive.is_some();
        let (first, rest): (Vec<u32>, Vec<u32>) =
            self.things.keys().copied().partition(|name| is_first(self, name));
        for name in first.into_iter().chain(rest) {
            self.lose_all(name);
        }
        self.gone = true;
    }
}
