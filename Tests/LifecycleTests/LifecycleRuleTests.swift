import Contracts
import Lifecycle
import Testing

/// What may be done in which status: every status, and the result of each request.
@Suite("Lifecycle rules")
struct LifecycleRuleTests {
    private func refusal(_ rule: () throws(LifecycleRefusal) -> Void) -> LifecycleRefusal? {
        do {
            try rule()
            return nil
        } catch {
            return error
        }
    }

    @Test("Restart", arguments: WorkspaceStatus.allCases)
    func restart(_ status: WorkspaceStatus) {
        let expected: LifecycleRefusal? =
            switch status {
            case .removed: .unknown
            case .paused, .hibernating: .wrongStatus(status)
            default: nil
            }
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.restart(.init(status: status), hasProvisioner: true)
            } == expected)
    }

    @Test("Pause", arguments: WorkspaceStatus.allCases)
    func pause(_ status: WorkspaceStatus) {
        let expected: LifecycleRefusal? =
            switch status {
            case .removed: .unknown
            case .paused: .alreadyPaused
            default: nil
            }
        #expect(refusal { () throws(LifecycleRefusal) in try LifecycleRule.pause(.init(status: status)) } == expected)
    }

    @Test("Resume", arguments: WorkspaceStatus.allCases)
    func resume(_ status: WorkspaceStatus) {
        let expected: LifecycleRefusal? =
            switch status {
            case .removed: .unknown
            case .paused: nil
            default: .notPaused
            }
        #expect(refusal { () throws(LifecycleRefusal) in try LifecycleRule.resume(.init(status: status)) } == expected)
    }

    @Test("Hibernate", arguments: WorkspaceStatus.allCases)
    func hibernate(_ status: WorkspaceStatus) {
        let expected: LifecycleRefusal? =
            switch status {
            case .removed: .unknown
            case .online, .degraded: nil
            default: .wrongStatus(status)
            }
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.hibernate(.init(status: status), isForced: false)
            } == expected)
    }

    @Test("A busy workspace hibernates only by force")
    func busy() {
        let subject = LifecycleRule.Subject(status: .online, activeTasks: 2)
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.hibernate(subject, isForced: false)
            } == .hasActiveTasks(2))
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.hibernate(subject, isForced: true)
            } == nil)
    }

    @Test("A child of a paused parent stays as it is")
    func parent() {
        let child = LifecycleRule.Subject(status: .paused, isParentPaused: true)
        #expect(refusal { () throws(LifecycleRefusal) in try LifecycleRule.resume(child) } == .parentIsPaused)
        let online = LifecycleRule.Subject(status: .online, isParentPaused: true)
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.restart(online, hasProvisioner: true)
            } == .parentIsPaused)
    }

    @Test("The platform does not start what its owner runs")
    func external() {
        let subject = LifecycleRule.Subject(status: .online, isExternal: true)
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.restart(subject, hasProvisioner: true)
            } == .isExternal)
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.hibernate(subject, isForced: true)
            } == .isExternal)
        #expect(
            refusal { () throws(LifecycleRefusal) in
                try LifecycleRule.restart(.init(status: .failed), hasProvisioner: false)
            } == .noProvisioner)
    }
}
