//! A disk that fails when it is told to, and one whose power is cut: a SQLite file system around the usual
//! one. Everything passes through, until a plan says that the n-th change fails.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use rusqlite::ffi;

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EIO: it does not do what it is told.
    Broken,
    /// ENOSPC: half of what is written fits.
    Full,
    /// Nothing that was not synced is there afterwards, and nothing is written any more.
    PowerCut,
}

/// When a disk fails.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub fault: Fault,
    /// The first change that fails, counted from 1.
    pub at: usize,
    /// How many fail; a disk that fails for good fails until it is mended.
    pub times: usize,
}

/// A disk with a name of its own, as `store::Options::vfs` takes it. Lives as long as the process, since
/// SQLite may come back to it at any time.
pub struct Disk {
    pub name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    changes: usize,
    failures: usize,
    files: HashSet<PathBuf>,
    /// What would be there after a power cut: the bytes of each file at its last sync.
    synced: Option<HashMap<PathBuf, Vec<u8>>>,
}

impl Disk {
    pub fn new() -> &'static Disk {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("disk-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let disk: &'static Disk =
            Box::leak(Box::new(Disk { name, state: Mutex::new(State::default()) }));
        register(disk);
        disk
    }

    /// Counts changes from 1 again, and fails as the plan says.
    pub fn fail(&self, plan: Plan) {
        let mut state = self.state();
        state.changes = 0;
        state.failures = 0;
        state.plan = Some(plan);
        state.synced = (plan.fault == Fault::PowerCut).then(HashMap::new);
    }

    /// The disk does again what it is told. Where the power was cut, what was not synced is gone; nobody
    /// may have it open.
    pub fn mend(&self) {
        let mut state = self.state();
        let Some(plan) = state.plan.take() else { return };
        let synced = state.synced.take().unwrap_or_default();
        if plan.fault != Fault::PowerCut || state.failures == 0 {
            return;
        }
        for path in &state.files {
            let _ = std::fs::remove_file(path);
            if let Some(bytes) = synced.get(path) {
                std::fs::write(path, bytes).unwrap();
            }
        }
    }

    /// How many changes there were, those that failed among them.
    pub fn changes(&self) -> usize {
        self.state().changes
    }

    /// How many changes failed.
    pub fn failures(&self) -> usize {
        self.state().failures
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Counts a change; how it fails, if it does.
    fn change(&self) -> Option<Fault> {
        let mut state = self.state();
        state.changes += 1;
        let plan = state.plan?;
        let fails = state.changes >= plan.at && state.changes - plan.at < plan.times;
        state.failures += usize::from(fails);
        fails.then_some(plan.fault)
    }

    fn has_been_synced(&self, path: &str, bytes: Vec<u8>) {
        if let Some(synced) = &mut self.state().synced {
            synced.insert(PathBuf::from(path), bytes);
        }
    }

    fn keeps_what_is_synced(&self) -> bool {
        self.state().synced.is_some()
    }
}

/// An open file: ours, and right behind it the one of the usual file system.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    disk: &'static Disk,
    /// Owned by SQLite as long as the file is open; null for one without a name.
    path: *const c_char,
}

const OURS: usize = size_of::<File>().next_multiple_of(16);

fn register(disk: &'static Disk) {
    // SAFETY: the usual file system is there once SQLite is initialised; ours is never freed.
    unsafe {
        assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
        let usual = ffi::sqlite3_vfs_find(std::ptr::null());
        let mut vfs = std::ptr::read(usual);
        vfs.szOsFile += OURS as c_int;
        vfs.pNext = std::ptr::null_mut();
        vfs.zName = CString::new(disk.name.as_str()).unwrap().into_raw();
        vfs.pAppData = Box::into_raw(Box::new((disk, usual))).cast::<c_void>();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        vfs.xAccess = Some(access);
        vfs.xFullPathname = Some(full_path_name);
        // Versions behind the first add nothing that a store needs.
        vfs.iVersion = 1;
        assert_eq!(ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0), ffi::SQLITE_OK);
    }
}

unsafe fn of(vfs: *mut ffi::sqlite3_vfs) -> (&'static Disk, *mut ffi::sqlite3_vfs) {
    unsafe { *(*vfs).pAppData.cast::<(&'static Disk, *mut ffi::sqlite3_vfs)>() }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let (disk, usual) = of(vfs);
        (*file).pMethods = std::ptr::null();
        // Opening to write makes a file where there is none.
        if flags & ffi::SQLITE_OPEN_READWRITE != 0 && disk.change().is_some() {
            return ffi::SQLITE_CANTOPEN;
        }
        let inner = file.cast::<u8>().add(OURS).cast::<ffi::sqlite3_file>();
        let result = (*usual).xOpen.unwrap()(usual, path, inner, flags, out);
        if (*inner).pMethods.is_null() {
            return result;
        }
        if !path.is_null() {
            disk.state().files.insert(PathBuf::from(&*CStr::from_ptr(path).to_string_lossy()));
        }
        let ours = file.cast::<File>();
        (*ours).disk = disk;
        (*ours).path = path;
        (*file).pMethods = &METHODS;
        result
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    unsafe {
        let (disk, usual) = of(vfs);
        if disk.change().is_some() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        // Gone for good: the first sync of the log syncs its folder too, before anything is acknowledged.
        if let Some(synced) = &mut disk.state().synced {
            synced.remove(&PathBuf::from(&*CStr::from_ptr(path).to_string_lossy()));
        }
        (*usual).xDelete.unwrap()(usual, path, sync)
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let (_, usual) = of(vfs);
        (*usual).xAccess.unwrap()(usual, path, flags, out)
    }
}

unsafe extern "C" fn full_path_name(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    unsafe {
        let (_, usual) = of(vfs);
        (*usual).xFullPathname.unwrap()(usual, path, room, out)
    }
}

/// The disk, the file of the usual file system, and its methods.
unsafe fn inside(
    file: *mut ffi::sqlite3_file,
) -> (&'static Disk, *mut ffi::sqlite3_file, &'static ffi::sqlite3_io_methods) {
    unsafe {
        let inner = file.cast::<u8>().add(OURS).cast::<ffi::sqlite3_file>();
        ((*file.cast::<File>()).disk, inner, &*(*inner).pMethods)
    }
}

/// Methods that pass through.
macro_rules! pass {
    ($($name:ident = $method:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        $(unsafe extern "C" fn $name(
            file: *mut ffi::sqlite3_file, $($argument: $kind),*
        ) $(-> $result)? {
            unsafe {
                let (_, inner, methods) = inside(file);
                methods.$method.unwrap()(inner, $($argument),*)
            }
        })*
    };
}

pass! {
    close = xClose() -> c_int;
    read = xRead(to: *mut c_void, length: c_int, from: i64) -> c_int;
    file_size = xFileSize(size: *mut i64) -> c_int;
    lock = xLock(level: c_int) -> c_int;
    unlock = xUnlock(level: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(out: *mut c_int) -> c_int;
    file_control = xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int;
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    unsafe {
        let (disk, inner, methods) = inside(file);
        let write = methods.xWrite.unwrap();
        match disk.change() {
            None => write(inner, bytes, length, at),
            Some(Fault::PowerCut) => ffi::SQLITE_IOERR_WRITE,
            Some(fault) => {
                // What fails in the middle has been done by half.
                write(inner, bytes, length / 2, at);
                match fault {
                    Fault::Full => ffi::SQLITE_FULL,
                    _ => ffi::SQLITE_IOERR_WRITE,
                }
            }
        }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    unsafe {
        let (disk, inner, methods) = inside(file);
        match disk.change() {
            None => methods.xTruncate.unwrap()(inner, size),
            Some(_) => ffi::SQLITE_IOERR_TRUNCATE,
        }
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    unsafe {
        let (disk, inner, methods) = inside(file);
        if disk.change().is_some() {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        let path = (*file.cast::<File>()).path;
        if !disk.keeps_what_is_synced() || path.is_null() {
            return methods.xSync.unwrap()(inner, flags);
        }
        // The power is only pretended to go: what counts as synced is what is kept here.
        let mut size = 0;
        methods.xFileSize.unwrap()(inner, &mut size);
        let mut bytes = vec![0_u8; size as usize];
        methods.xRead.unwrap()(inner, bytes.as_mut_ptr().cast(), size as c_int, 0);
        disk.has_been_synced(&CStr::from_ptr(path).to_string_lossy(), bytes);
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    unsafe {
        let (_, inner, methods) = inside(file);
        methods.xShmMap.unwrap()(inner, page, size, extend, out)
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without the third version's mapped memory: everything that is written goes through `write`.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
