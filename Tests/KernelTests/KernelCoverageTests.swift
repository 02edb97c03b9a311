import BPF
import Compiler
import Policy
import Testing

/// What `plan` says enforces an access or operation, held against what there is.
struct KernelCoverageTests {
    /// `path_mknod (of a unix path), capable (sys_admin: clone, setns)`: the words in front of parentheses.
    static func hooks(_ text: String) -> [String] {
        var outside = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if depth == 0 { outside.append(character) }
            if character == ")" { depth -= 1 }
        }
        return outside.split(separator: ",").map { String($0.split(separator: " ").first ?? "") }
    }

    /// Every row of the table, by the name of what it is about.
    static let rows: [(name: String, mechanism: KernelCoverage.Mechanism)] = {
        var rows = [("families", KernelCoverage.families), ("capabilities", KernelCoverage.capabilities)]
        for access in FileAccess.allCases { rows.append((access.name, KernelCoverage.mechanism(of: access))) }
        for access in NetworkAccess.allCases {
            rows.append((access.name, KernelCoverage.mechanism(of: access)))
        }
        for operation in Operation.allCases {
            rows.append((operation.name, KernelCoverage.mechanism(of: operation)))
        }
        return rows
    }()

    /// The hooks that the object has programs for, as the kernel names them.
    private static func programs() throws -> [String: String] {
        let object = try OpenObject.swguard()
        var sections: [String: String] = [:]
        for program in object.programs {
            // Without a hook: run by the agent.
            guard let section = object.section(of: program), section.contains("/") else { continue }
            sections[String(section.drop { $0 != "/" }.dropFirst())] = section
        }
        return sections
    }

    @Test func `every hook that plan names has a program`() throws {
        let programs = try Self.programs()
        for (name, mechanism) in Self.rows {
            for hook in Self.hooks(mechanism.hooks) + Self.hooks(mechanism.older ?? "") {
                #expect(programs[hook] != nil, "\(name): \(hook)")
            }
        }
    }

    @Test func `every program that decides is named by plan`() throws {
        let named = Set(Self.rows.flatMap { Self.hooks($0.mechanism.hooks) })
        // Those by which tasks come under policies, and what only denies.
        let others: Set<String> = [
            "task_alloc", "sched_process_fork", "bprm_creds_for_exec", "bprm_committed_creds", "task",
            "uring_override_creds", "task_prctl",
            // What ends the wait of a report.
            "mnt_drop_write",
            // Those that guard what comes under a name.
            "d_instantiate", "inode_free_security",
            // Of other programs' hooks.
            "decide", "is_name_granted",
            // Those that guard the agent, whatever policies say.
            "bpf_map", "bpf_prog", "task_setnice", "task_setioprio", "task_setscheduler", "task_setrlimit",
            "task_movememory", "file_send_sigiotask", "inode_create", "inode_mkdir", "inode_mknod",
            "inode_symlink", "inode_unlink", "inode_rmdir", "inode_link", "inode_rename", "locked_down",
        ]
        for hook in try Self.programs().keys where !others.contains(hook) {
            #expect(named.contains(hook), "\(hook) is in no row")
        }
    }

    @Test(.needsBPFLSM) func `every hook that plan names is in this kernel`() throws {
        let programs = try Self.programs()
        let types = try KernelTypes()
        let isOld = VerifierCostTests.series() == "6.1"
        for (name, mechanism) in Self.rows {
            let hooks = isOld ? mechanism.older ?? mechanism.hooks : mechanism.hooks
            for hook in Self.hooks(hooks) {
                #expect(programs[hook].map { types.has(hookOf: $0) } == true, "\(name): \(hook)")
            }
        }
    }

    @Test func `each operation, access and family has a row in the kernel's tables of requests`() {
        let actions = Set(Request.all.map(\.action))
        for operation in Operation.allCases {
            #expect(actions.contains("operation.\(operation.name)"))
        }
        for access in NetworkAccess.allCases { #expect(actions.contains("socket.\(access.name)")) }
    }
}
