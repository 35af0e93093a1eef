import Contracts

/// The error messages that clients match literally, and those quoted in the API contract. Changing one breaks clients.
package enum ErrorMessage {
    // Requests in general.
    /// `invalid request body`
    package static let invalidRequestBody = "invalid request body"
    /// `invalid JSON`
    package static let invalidJSON = "invalid JSON"

    // Credentials.
    /// `missing workspace auth token`
    package static let missingWorkspaceToken = "missing workspace auth token"
    /// `invalid workspace auth token`
    package static let invalidWorkspaceToken = "invalid workspace auth token"
    /// `missing caller auth token`
    package static let missingCallerToken = "missing caller auth token"
    /// `invalid caller auth token`
    package static let invalidCallerToken = "invalid caller auth token"
    /// `invalid caller ID`
    package static let invalidCallerID = "invalid caller ID"
    /// `admin auth required`
    package static let adminAuthRequired = "admin auth required"
    /// `operator credentials required`
    package static let operatorRequired = "operator credentials required"
    /// `invalid admin auth token`
    package static let invalidAdminToken = "invalid admin auth token"
    /// `invalid or expired stream ticket`
    package static let invalidStreamTicket = "invalid or expired stream ticket"
    /// `invalid admin token`
    package static let invalidSignIn = "invalid admin token"
    /// `read-only token`
    package static let readOnlyToken = "read-only token"
    /// `origin not allowed`
    package static let originNotAllowed = "origin not allowed"

    // Registry and discovery.
    /// `registration failed`
    package static let registrationFailed = "registration failed"
    /// `workspace removed`
    package static let workspaceRemoved = "workspace removed"
    /// `workspace not found`
    package static let workspaceNotFound = "workspace not found"
    /// `workspace not available`
    package static let workspaceNotAvailable = "workspace not available"
    /// `workspace URL failed safety check`
    package static let workspaceURLUnsafe = "workspace URL failed safety check"
    /// `X-Workspace-ID header is required`
    package static let workspaceIDHeaderIsRequired = "X-Workspace-ID header is required"
    /// `not authorized to discover this workspace`
    package static let notAuthorizedToDiscover = "not authorized to discover this workspace"
    /// `invalid workspace payload`
    package static let invalidWorkspacePayload = "invalid workspace payload"
    /// `invalid workspace fields`
    package static let invalidWorkspaceFields = "invalid workspace fields"
    /// `invalid workspace directory`
    package static let invalidWorkspaceDirectory = "invalid workspace directory"
    /// `invalid workspace ID`
    package static let invalidWorkspaceID = "invalid workspace ID"
    /// `invalid token ID`
    package static let invalidTokenID = "invalid token ID"
    /// `maximum 50 active tokens per workspace`
    package static let tooManyTokens = "maximum 50 active tokens per workspace"
    /// `token not found or already revoked`
    package static let tokenNotFound = "token not found or already revoked"
    /// `unknown runtime`
    package static let unknownRuntime = "unknown runtime"
    /// `provisioner not available`
    package static let provisionerNotAvailable = "provisioner not available"
    /// `workspace bootstrap failed`
    package static let bootstrapFailed = "workspace bootstrap failed"
    /// `workspace is not being provisioned`
    package static let notProvisioning = "workspace is not being provisioned"
    /// `workspace start failed`
    package static let workspaceStartFailed = "workspace start failed"
    /// `workspace did not come online in time`
    package static let provisioningTimedOut = "workspace did not come online in time"
    /// `workspace stop failed`
    package static let workspaceStopFailed = "workspace stop failed"
    /// `workspace volume removal failed`
    package static let volumeRemovalFailed = "workspace volume removal failed"
    /// `secret not found`
    package static let secretNotFound = "secret not found"
    /// `only the workspace's own token may read its secrets`
    package static let secretValuesAreTheWorkspaces = "only the workspace's own token may read its secrets"
    /// `failed to decrypt global secret`
    package static let globalSecretUndecryptable = "failed to decrypt global secret"
    /// `failed to decrypt workspace secret`
    package static let workspaceSecretUndecryptable = "failed to decrypt workspace secret"

    // The proxy, its queue and delegations.
    /// `access denied: workspaces cannot communicate per hierarchy rules`
    package static let hierarchyDenied = "access denied: workspaces cannot communicate per hierarchy rules"
    /// `workspace budget limit exceeded`
    package static let budgetExceeded = "workspace budget limit exceeded"
    /// `workspace has no URL`
    package static let workspaceHasNoURL = "workspace has no URL"
    /// `workspace URL is not publicly routable`
    package static let workspaceURLNotPublic = "workspace URL is not publicly routable"
    /// `failed to read agent response`
    package static let agentResponseUnreadable = "failed to read agent response"
    /// `failed to reach workspace agent`
    package static let agentUnreachable = "failed to reach workspace agent"
    /// `the agent's registered URL has moved: it must register the new one`
    package static let agentMoved = "the agent's registered URL has moved: it must register the new one"
    /// `message loop: passed on too often`
    package static let messageLoop = "message loop: passed on too often"
    /// `invalid delegation request`
    package static let invalidDelegation = "invalid delegation request"
    /// `target_id must be a valid UUID`
    package static let targetMustBeUUID = "target_id must be a valid UUID"
    /// `self-delegation not permitted`
    package static let selfDelegation = "self-delegation not permitted"
    /// `status must be 'completed' or 'failed'`
    package static let delegationStatusInvalid = "status must be 'completed' or 'failed'"
    /// `max_age_minutes must be a positive integer`
    package static let maxAgeInvalid = "max_age_minutes must be a positive integer"

    // The notifier.
    /// `message is required`
    package static let messageRequired = "message is required"
    /// `source must be 'canvas' or 'agent'`
    package static let sourceInvalid = "source must be 'canvas' or 'agent'"
    /// `source_id must match authenticated workspace`
    package static let sourceIDMismatch = "source_id must match authenticated workspace"

    // The scheduler.
    /// `access denied`
    package static let accessDenied = "access denied"
    /// `X-Workspace-ID header required`
    package static let workspaceIDHeaderRequired = "X-Workspace-ID header required"
    /// `cron_expr and prompt are required`
    package static let cronAndPromptRequired = "cron_expr and prompt are required"
    /// `schedule not found`
    package static let scheduleNotFound = "schedule not found"

    // The sweeper.
    /// `dead message not found`
    package static let deadMessageNotFound = "dead message not found"
    /// `invalid dead message ID`
    package static let invalidDeadMessageID = "invalid dead message ID"
    /// `dead message cannot be replayed`
    package static let deadMessageUndeliverable = "dead message cannot be replayed"
    /// `message broker unavailable — retry shortly`
    package static let brokerUnavailable = "message broker unavailable — retry shortly"

    /// The error for an activity report of an unknown type, naming the accepted ones.
    package static let activityTypeInvalid =
        "invalid activity_type, must be one of: "
        + ActivityType.reportable.map(\.rawValue).joined(separator: ", ")

    /// The error for an unknown time zone.
    package static func invalidTimezone(_ name: String) -> String { "invalid timezone: \(name)" }

    /// The error for an attachment without `uri` or `name`.
    package static func attachmentIncomplete(_ index: Int) -> String {
        "attachment[\(index)]: uri and name are required"
    }

    /// `invalid schedule ID`
    package static let invalidScheduleID = "invalid schedule ID"
    /// The error for a cron expression that cannot be parsed.
    package static let invalidCronExpression = "invalid cron expression"
    /// The error for a schedule beyond ``Limits/schedules``.
    package static let tooManySchedules = "maximum \(Limits.schedules) schedules per workspace"
    /// The error for a name that another schedule of the workspace has.
    package static let scheduleNameTaken = "a schedule of this name exists"
    /// The error for a run while ``Limits/waitingRuns`` runs of the schedule are waiting.
    package static let tooManyWaitingRuns = "too many runs of this schedule are waiting"

    /// Why a slot was skipped: the run before it had not ended.
    package static let scheduleSkippedOverlap = "skipped: previous run has not ended"

    /// Why a slot was skipped: its workspace accepts no messages in this status.
    package static func scheduleSkipped(workspace status: WorkspaceStatus) -> String {
        "skipped: workspace is \(status.rawValue)"
    }

    /// Why slots were skipped: nothing could fire while they passed.
    ///
    /// - Parameter isAtLeast: counting stopped at a limit.
    package static func scheduleSkipped(missed count: Int, isAtLeast: Bool) -> String {
        "skipped: \(isAtLeast ? "at least " : "")\(count) missed \(count == 1 ? "slot" : "slots")"
    }

    /// Why a schedule's run was skipped: its workspace was busy.
    package static func scheduleSkippedBusy(activeTasks: Int) -> String {
        "skipped: workspace busy (active_tasks=\(activeTasks))"
    }
}
