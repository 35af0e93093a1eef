import CUV

/// What happened on a file descriptor, or what to watch for.
package struct FileEvents: OptionSet, Sendable {
    /// libuv's flags, and those of this type.
    package let rawValue: Int32

    /// A set of such flags.
    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Bytes can be read.
    package static let readable = FileEvents(rawValue: Int32(UV_READABLE.rawValue))
    /// Bytes can be written.
    package static let writable = FileEvents(rawValue: Int32(UV_WRITABLE.rawValue))
    /// The peer has closed its side.
    package static let disconnected = FileEvents(rawValue: Int32(UV_DISCONNECT.rawValue))
    /// Only ever reported, never watched for.
    package static let error = FileEvents(rawValue: 1 << 16)
}

/// Tells when a socket that some C library owns is ready. Loop thread only; close it before the descriptor is closed.
package final class FileWatcher {
    private final class Context {
        let handler: (FileEvents) -> Void
        init(_ handler: @escaping (FileEvents) -> Void) { self.handler = handler }
    }

    private var handle: LoopHandle<uv_poll_t>?
    private let loop: EventLoop

    init(loop: EventLoop, fileDescriptor: Int32, handler: @escaping (FileEvents) -> Void) {
        self.loop = loop
        handle = LoopHandle(context: Context(handler)) { uv_poll_init(loop.uvLoop, $0, fileDescriptor) }
    }

    deinit {
        handle?.close(on: loop)
    }

    /// Watches for these events from now on, instead of those given before.
    package func start(_ events: FileEvents) {
        guard let handle else { return }
        uv_poll_start(handle.raw, events.rawValue) { poll, status, events in
            guard let context = poll?.pointee.data else { return }
            let happened: FileEvents = status < 0 ? [.error] : FileEvents(rawValue: events)
            Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().handler(happened)
        }
    }

    /// Watches for nothing until the next `start`.
    package func stop() {
        if let handle { uv_poll_stop(handle.raw) }
    }

    /// Ends the watching for good and lets go of the handler.
    package func close() {
        handle?.close()
        handle = nil
    }
}

extension EventLoop {
    /// A stopped watcher. Loop thread only.
    package func watch(fileDescriptor: Int32, _ handler: @escaping (FileEvents) -> Void) -> FileWatcher {
        FileWatcher(loop: self, fileDescriptor: fileDescriptor, handler: handler)
    }
}
