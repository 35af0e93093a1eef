import Foundation
import HTTPCore
import Provisioning
import Testing
import TestSupport

/// Files in and out of containers, on a real engine; elsewhere every call says that there is no way.
@Suite("Files of containers") struct FileCopyTests {
    private static let uploads = "/workspace/.molecule/chat-uploads"

    private func outgoing(_ name: String, _ bytes: [UInt8], announced: Int? = nil) -> OutgoingFile {
        OutgoingFile(name: name, size: announced ?? bytes.count) { BytesSource(bytes) }
    }

    private func content(_ file: ContainerFile) async throws -> [UInt8] {
        try await HTTPBody.stream(try await file.open()).collect(upTo: 64 << 20)
    }

    private func withContainer(
        runtime: String = "agent", _ body: (any Provisioner, WorkspaceName, PodmanServer) async throws -> Void
    ) async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        let workspace = makeSpecification(runtime: runtime)
        try await withWorkspace(workspace, on: engine) {
            _ = try await engine.start(workspace)
            try await body(engine, WorkspaceName(workspace.id), podman)
        }
    }

    @Test(arguments: [BackendKind.controlPlane, .none]) func `who has no containers copies nothing`(
        _ kind: BackendKind
    ) async throws {
        try await withBackend(kind) { backend in
            #expect(!backend.provisioner.copiesFiles)
            let name = WorkspaceName(UUID())
            let errors = await [
                failure { try await backend.provisioner.copy([outgoing("a", [1])], to: Self.uploads, of: name) },
                failure { try await backend.provisioner.findFile("/workspace/a", of: name) },
            ]
            #expect(errors.map { $0?.kind } == [.noBackend, .noBackend])
        }
    }

    @Test func `what is copied in is there as a whole, and comes out the same`() async throws {
        try await withContainer { engine, name, podman in
            #expect(engine.copiesFiles)
            let large = (0..<(3 << 20) + 17).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let files: [(String, [UInt8])] = [
                ("empty.bin", []), ("block", [UInt8](repeating: 7, count: 512)), ("large.bin", large),
                (String(repeating: "n", count: 133), [3]), (String(repeating: "m", count: 100), [4]),
            ]
            try await engine.copy(files.map { outgoing($0.0, $0.1) }, to: Self.uploads, of: name)
            // Once more into the folder that is there now.
            try await engine.copy([outgoing("second", Array("2".utf8))], to: Self.uploads, of: name)
            for (file, bytes) in files + [("second", Array("2".utf8))] {
                let found = try await engine.findFile("\(Self.uploads)/\(file)", of: name)
                #expect(found.size == bytes.count)
                #expect(abs(found.modified - Int(Date().timeIntervalSince1970)) < 60)
                #expect(try await content(found) == bytes, "\(file)")
            }
            let listed = try await podman.control(
                "exec", name.container, "stat", "-c", "%a %u %s", "\(Self.uploads)/block", "/workspace/.molecule")
            #expect(listed.hasPrefix("644 0 512\n755 0 "))
        }
    }

    @Test func `what is copied in belongs to the one who runs there`() async throws {
        try await withContainer(runtime: "plain-user") { engine, name, podman in
            try await engine.copy([outgoing("a", [1])], to: Self.uploads, of: name)
            let owner = try await podman.control(
                "exec", name.container, "stat", "-c", "%u:%g", "\(Self.uploads)/a", "/workspace/.molecule")
            #expect(owner.split(separator: "\n") == ["1234:1235", "1234:1235"])
        }
    }

    @Test func `names are taken as they are`() async throws {
        try await withContainer { engine, name, podman in
            let names = ["a b", "50%25", "ü€👍", "a+b&c=d#e?f", "-rf", String(repeating: "n", count: 200)]
            for (index, file) in names.enumerated() {
                _ = try await podman.control(
                    "exec", name.container, "/bin/sh", "-c",
                    "mkdir -p /workspace/d && printf \"$2\" >\"/workspace/d/$1\"",
                    "sh", file, "\(index)")
                let found = try await engine.findFile("/workspace/d/\(file)", of: name)
                #expect(try await content(found) == Array("\(index)".utf8), "\(file)")
            }
        }
    }

    @Test func `nothing is read or written by way of links, nor anything but regular files`() async throws {
        try await withContainer { engine, name, podman in
            _ = try await podman.control(
                "exec", name.container, "/bin/sh", "-c",
                """
                mkdir -p /workspace/real /secret && echo s >/secret/key && echo r >/workspace/real/file
                cd /workspace
                ln -s /secret/key link && ln -s /secret folder && ln -s real near && ln -s real/file inside
                ln -s ../secret up && mkfifo pipe && ln -s loop loop && ln -s nowhere broken && ln -s /workspace/real same
                """)
            for path in [
                "/workspace/link", "/workspace/folder/key", "/workspace/near/file", "/workspace/inside",
                "/workspace/up/key", "/workspace/pipe", "/workspace/real", "/workspace/real/file/x",
                "/workspace/same/file",
            ] {
                let error = await failure { try await engine.findFile(path, of: name) }
                #expect(error?.kind == .unsafePath || error?.kind == .missing, "\(path): \(String(describing: error))")
                if path != "/workspace/real/file/x" { #expect(error?.kind == .unsafePath, "\(path)") }
            }
            for path in ["/workspace/loop", "/workspace/loop/a", "/workspace/broken"] {
                #expect(await failure { try await engine.findFile(path, of: name) } != nil, "\(path)")
            }
            #expect(try await content(try await engine.findFile("/workspace/real/file", of: name)) == Array("r\n".utf8))

            _ = try await podman.control("exec", name.container, "/bin/sh", "-c", "ln -s /secret /workspace/.molecule")
            let error = await failure { try await engine.copy([outgoing("a", [1])], to: Self.uploads, of: name) }
            #expect(error?.kind == .unsafePath)
            _ = try await podman.control(
                "exec", name.container, "/bin/sh", "-c",
                "rm /workspace/.molecule && mkdir /workspace/.molecule && ln -s /secret \(Self.uploads)")
            let below = await failure { try await engine.copy([outgoing("a", [1])], to: Self.uploads, of: name) }
            #expect(below?.kind == .unsafePath)
            let left = try await podman.control("exec", name.container, "/bin/sh", "-c", "ls -A /secret")
            #expect(left == "key\n")
        }
    }

    @Test func `what is not there is missing`() async throws {
        try await withContainer { engine, name, _ in
            for path in ["/workspace/none", "/workspace/none/deep", "/nowhere/a"] {
                let error = await failure { try await engine.findFile(path, of: name) }
                #expect(error?.kind == .missing && error?.isTransient == false, "\(path)")
            }
            let missing = WorkspaceName(UUID())
            let out = await failure { try await engine.findFile("/workspace/a", of: missing) }
            let into = await failure { try await engine.copy([outgoing("a", [1])], to: Self.uploads, of: missing) }
            #expect(out?.kind == .missing && into?.kind == .missing)
        }
    }

    @Test func `a file of another length than announced is no file`() async throws {
        try await withContainer { engine, name, _ in
            for announced in [1, 100] {
                let file = outgoing("short", [1, 2, 3], announced: announced)
                let error = await failure { try await engine.copy([file], to: Self.uploads, of: name) }
                #expect(error?.kind == .unavailable)
            }
        }
    }

    @Test func `what changes between being found and read is not returned as what it was`() async throws {
        try await withContainer { engine, name, podman in
            try await engine.copy([outgoing("a", [1, 2])], to: Self.uploads, of: name)
            let found = try await engine.findFile("\(Self.uploads)/a", of: name)
            try await engine.copy([outgoing("a", [1])], to: Self.uploads, of: name)
            #expect(await failure { try await found.open() }?.kind == .unavailable)
        }
    }

    @Test func `an engine that is away is no missing file`() async throws {
        try await withOwnEngine { podman in
            let engine = try makeEngine(podman)
            let workspace = makeSpecification()
            try await withWorkspace(workspace, on: engine) {
                _ = try await engine.start(workspace)
                let name = WorkspaceName(workspace.id)
                try await engine.copy([outgoing("there", [1])], to: Self.uploads, of: name)
                let found = try await engine.findFile("\(Self.uploads)/there", of: name)
                await podman.killService()
                let out = await failure { try await engine.findFile("/workspace/a", of: name) }
                let into = await failure { try await engine.copy([outgoing("a", [1])], to: Self.uploads, of: name) }
                // A found file is requested when it is read.
                let later = await failure { try await found.open() }
                try await podman.startService()
                #expect(later?.kind == .unavailable)
                #expect(try await content(found) == [1])
                #expect(out?.kind == .unavailable && into?.kind == .unavailable)
            }
        }
    }
}
