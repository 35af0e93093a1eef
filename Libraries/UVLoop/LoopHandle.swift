import CUV

/// Owns the memory of one libuv handle and the object that its callbacks speak to.
///
/// A handle may be freed only in its close callback. So the memory belongs to libuv from `init` to `release`, and
/// `data` holds the context retained once; `close` is the only way to end it. Loop thread only.
///
/// `@unchecked Sendable`: a pointer that is looked behind on the loop's thread only. That it can leave the thread lets
/// the owner of a handle be released anywhere.
struct LoopHandle<Raw>: @unchecked Sendable {
    let raw: UnsafeMutablePointer<Raw>

    init(context: AnyObject, _ initialize: (UnsafeMutablePointer<Raw>) -> Int32) {
        raw = .allocate(capacity: 1)
        let code = initialize(raw)
        precondition(code == 0, "libuv cannot make a handle: error \(code)")
        switchyard_uv_handle(raw).pointee.data = Unmanaged.passRetained(context).toOpaque()
    }

    func close() {
        let handle = switchyard_uv_handle(raw)!
        if uv_is_closing(handle) == 0 { uv_close(handle, LoopHandles.releaseContext) }
    }

    /// For the end of the owner, which may be on any thread.
    func close(on loop: EventLoop) {
        if loop.inLoop { close() } else { loop.execute { close() } }
    }
}

/// The close callbacks of all handles; outside the generic type, which C function pointers cannot capture.
enum LoopHandles {
    /// Releases the context, retained in `LoopHandle.init`, and the memory.
    static let releaseContext: @convention(c) (UnsafeMutablePointer<uv_handle_t>?) -> Void = { handle in
        guard let handle else { return }
        if let context = handle.pointee.data { Unmanaged<AnyObject>.fromOpaque(context).release() }
        UnsafeMutableRawPointer(handle).deallocate()
    }

    /// For the loop's end: the loop's own handles, whose context is the loop, unretained, are freed by `stop`.
    static let release: @convention(c) (UnsafeMutablePointer<uv_handle_t>?) -> Void = { handle in
        guard let handle else { return }
        switch handle.pointee.type {
        case UV_ASYNC, UV_CHECK, UV_PREPARE, UV_IDLE: return
        default: releaseContext(handle)
        }
    }
}
