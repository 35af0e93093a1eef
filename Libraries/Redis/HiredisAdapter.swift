import CHiredis
import UVLoop

/// Runs hiredis on an event loop: its five hooks over a `FileWatcher`.
///
/// hiredis holds it (retained once, in `attach`) until it calls the cleanup hook, which it does before it closes the
/// socket and frees the context. Loop thread only.
final class HiredisAdapter {
    private var watcher: FileWatcher?
    private var interest: FileEvents = []
    private var context: UnsafeMutablePointer<redisAsyncContext>?

    private init() {}

    static func attach(_ context: UnsafeMutablePointer<redisAsyncContext>, to loop: EventLoop) {
        let adapter = HiredisAdapter()
        adapter.context = context
        adapter.watcher = loop.watch(fileDescriptor: context.pointee.c.fd) { [weak adapter] events in
            adapter?.handle(events)
        }
        context.pointee.ev.data = Unmanaged.passRetained(adapter).toOpaque()
        context.pointee.ev.addRead = { HiredisAdapter.at($0).change { $0.insert(.readable) } }
        context.pointee.ev.delRead = { HiredisAdapter.at($0).change { $0.remove(.readable) } }
        context.pointee.ev.addWrite = { HiredisAdapter.at($0).change { $0.insert(.writable) } }
        context.pointee.ev.delWrite = { HiredisAdapter.at($0).change { $0.remove(.writable) } }
        context.pointee.ev.cleanup = { data in
            guard let data else { return }
            Unmanaged<HiredisAdapter>.fromOpaque(data).takeRetainedValue().end()
        }
    }

    private static func at(_ data: UnsafeMutableRawPointer?) -> HiredisAdapter {
        Unmanaged<HiredisAdapter>.fromOpaque(data!).takeUnretainedValue()
    }

    /// hiredis requests the same events with every command.
    private func change(_ body: (inout FileEvents) -> Void) {
        let before = interest
        body(&interest)
        guard interest != before else { return }
        if interest.isEmpty { watcher?.stop() } else { watcher?.start(interest) }
    }

    private func handle(_ events: FileEvents) {
        if events.contains(.error) { return handleError() }
        if events.contains(.readable), let context { redisAsyncHandleRead(context) }
        // Reading may have ended the connection: `end` has cleared the context then.
        if events.contains(.writable), let context { redisAsyncHandleWrite(context) }
    }

    /// libuv has stopped watching. hiredis finds the socket's error by using it: writing reports a failed connection,
    /// reading a broken one.
    private func handleError() {
        interest = []
        if let context { redisAsyncHandleWrite(context) }
        if let context { redisAsyncHandleRead(context) }
        if let context { redisAsyncFree(context) }
    }

    private func end() {
        context = nil
        watcher?.close()
        watcher = nil
    }
}
