public import Compiler
public import Landlock
import Policy

/// Builds a Landlock ruleset from a recipe: the only place where the recipe meets the file system.
public enum LandlockApplication {
    /// Opens and walks what `recipe` says. Nothing is confined by it yet.
    ///
    /// What cannot be opened is left out, which grants less, and said in the findings. A finding of the kinds
    /// `excess` and `impossible` is a reason to refuse.
    /// - Parameter keepsLedger: Whether the ruleset remembers what was granted, for `LandlockDomain`.
    /// - Throws: where no ruleset can be made, or where a rule is refused for a reason that is not the path's.
    public static func prepare(
        _ recipe: LandlockRecipe, keepsLedger: Bool = false
    ) throws(LandlockError) -> PreparedRuleset {
        var assembly = try RulesetAssembly(recipe, keepsLedger: keepsLedger)
        for port in recipe.ports { try assembly.grant(port) }
        let denies = assembly.deniesWithAliases()
        let (grants, carvings) = LandlockCarvings.split(
            recipe, aliases: Array(denies[recipe.denies.count...]))
        for grant in grants { try assembly.grant(grant) }
        for grant in recipe.processGrants { assembly.grantOwn(grant) }
        for carving in carvings { try assembly.carve(carving, denies: denies) }
        return assembly.finish()
    }

    /// What applying `recipe` here would find, with nothing kept of it.
    public static func findings(_ recipe: LandlockRecipe) -> [Coverage.Finding] {
        do throws(LandlockError) {
            return try prepare(recipe).findings
        } catch {
            return [
                .init(.impossible, section: "files", subject: "files", location: nil, text: error.description)
            ]
        }
    }
}

/// A ruleset with its rules in it, ready to be entered.
///
/// Its end closes the ruleset's descriptor.
public struct PreparedRuleset: ~Copyable {
    public let ruleset: Ruleset
    /// A grant that the process itself must add before it enters the domain, since the path means another
    /// object in each.
    public struct OwnGrant: Hashable, Sendable {
        /// Beneath `/proc/self`; nothing after that is a link.
        public var path: [UInt8]
        public var rights: FileRights

        public init(path: [UInt8], rights: FileRights) {
            self.path = path
            self.rights = rights
        }
    }

    public let ownGrants: [OwnGrant]
    /// What is not granted though the policy grants it, and reasons to refuse.
    public let findings: [Coverage.Finding]
    /// Whether a granted path leads through a link that was none when the recipe was made.
    public let isStale: Bool
    /// How many rules the ruleset has, without `ownGrants`.
    public let ruleCount: Int
    /// How many directory entries were visited.
    public let entryCount: Int
}

/// The parts of a recipe, with the names that bind mounts add to its denies taken into account.
enum LandlockCarvings {
    /// Grants and carvings so that no grant holds what `aliases` deny: such a grant is carved instead.
    static func split(
        _ recipe: LandlockRecipe, aliases: [LandlockRecipe.WalkPattern]
    ) -> (grants: [LandlockRecipe.Grant], carvings: [LandlockRecipe.Carving]) {
        if aliases.isEmpty { return (recipe.grants, recipe.carvings) }
        var carvings = recipe.carvings
        var grants: [LandlockRecipe.Grant] = []
        for var grant in recipe.grants {
            var touched: FileRights = []
            for alias in aliases {
                let cursor = PatternCursor(alias.pattern, at: grant.path)
                if cursor.isMatch || (grant.isSubtree && !alias.isAnyDepth && cursor.reachesBeneath) {
                    touched.formUnion(alias.rights)
                }
            }
            touched.formIntersection(grant.rights)
            if !touched.isEmpty, grant.isSubtree {
                carvings.append(
                    .init(
                        root: grant.path,
                        allows: [
                            .init(pattern: .init(subtree: grant.path), rights: touched, origin: grant.origin)
                        ]))
            }
            grant.rights.subtract(touched)
            if grant.rights.isDisjoint(with: FileRights([.read, .write])) {
                grant.rights.remove(.deviceControl)
            }
            if !grant.rights.isEmpty { grants.append(grant) }
        }
        return (grants, carvings)
    }
}
