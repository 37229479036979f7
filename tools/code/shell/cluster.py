"""Rules for clusters, containers, clouds, and what declares them."""

from __future__ import annotations

from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.patterns import Pattern, matched
from tools.code.shell.script import Script
from tools.code.wordlist import words

_LOOK = "list what it matches first, with the context and namespace that it will use"
_PLAN = "look at the plan first, and keep its state"
# Objects that take others, or data, with them.
_HOLDERS = words(
    """
    ns namespace namespaces pv pvc persistentvolume persistentvolumes persistentvolumeclaim
    persistentvolumeclaims crd crds customresourcedefinition customresourcedefinitions node nodes
    clusterrole clusterrolebinding
    """
)
_DRY = "--dry-run"

PATTERNS = (
    Pattern(
        ("kubectl delete", "oc delete"),
        "deletes every object of the kind",
        _LOOK,
        ("--all|--all-namespaces|-A",),
        (_DRY,),
    ),
    Pattern(
        ("kubectl drain", "oc adm drain"),
        "evicts every pod of a node, and deletes their local data",
        "look at what runs there; leave --delete-emptydir-data and --force out",
        ("--force|--delete-emptydir-data|--delete-local-data|--disable-eviction",),
        (_DRY,),
    ),
    Pattern(
        ("kubectl replace",),
        "deletes the object and makes it anew",
        "use kubectl apply, which changes it in place",
        ("--force",),
        (_DRY,),
    ),
    Pattern(("kubeadm reset",), "takes the node out of the cluster for good", "drain it first"),
    Pattern(
        ("helm uninstall", "helm delete"),
        "removes a release with all its objects",
        "use helm rollback, or look with --dry-run",
        spares=(_DRY,),
    ),
    Pattern(
        ("etcdctl del",),
        "deletes keys of the cluster's state",
        "take a snapshot first",
        ("--prefix|--from-key",),
    ),
    Pattern(
        ("docker system prune", "podman system prune"),
        "deletes every stopped container and unused image, without asking",
        "look first: docker system df, docker ps -a",
        ("-a|--all|-f|--force|--volumes",),
    ),
    Pattern(
        ("docker volume prune", "docker volume rm", "podman volume prune", "podman volume rm"),
        "deletes volumes, the data in them included",
        "look first: docker volume ls, and back them up",
    ),
    Pattern(
        ("docker compose down", "docker-compose down"),
        "deletes the volumes of the project, the data in them included",
        "leave -v out",
        ("-v|--volumes|--rmi",),
    ),
    Pattern(
        ("terraform destroy", "tofu destroy", "pulumi destroy"),
        "destroys everything that it manages",
        _PLAN,
    ),
    Pattern(
        ("terraform apply", "tofu apply"),
        "changes the infrastructure without asking",
        _PLAN,
        ("--auto-approve|-auto-approve",),
    ),
    Pattern(("terraform state rm", "tofu state rm"), "forgets what it manages", _PLAN),
    Pattern(
        (
            "aws s3 rm",
            "aws s3 rb",
            "gsutil rm",
            "gcloud storage rm",
            "rclone delete",
            "rclone purge",
        ),
        "deletes objects from a store, most often for good",
        "look with --dryrun or a listing first; turn versioning on",
        spares=("--dryrun|--dry-run",),
    ),
    Pattern(
        ("aws s3 sync", "rclone sync", "gsutil rsync"),
        "deletes at the target what the source does not have",
        "run it with --dryrun first",
        ("--delete|-d",),
        ("--dryrun|--dry-run",),
    ),
    Pattern(
        ("aws ec2 terminate-instances", "aws ec2 delete-volume", "aws ec2 delete-snapshot"),
        "destroys machines or disks for good",
        "stop them instead; look with --dry-run",
        spares=(_DRY,),
    ),
    Pattern(
        ("aws rds delete-db-instance", "aws rds delete-db-cluster", "aws dynamodb delete-table"),
        "destroys a database for good",
        "take a snapshot first",
    ),
)


def by_pattern(command: Command, script: Script) -> Iterator[Danger]:
    """What the table says."""
    yield from matched(command, PATTERNS)


def cloud_deletions(command: Command, script: Script) -> Iterator[Danger]:
    """`gcloud … delete -q`, `az … delete --yes`: nobody is asked."""
    if (
        command.name in ("gcloud", "az")
        and "delete" in command.values
        and {"-q", "--quiet", "-y", "--yes"} & set(command.values)
    ):
        yield danger_of(command, "deletes a cloud's resource without asking", _LOOK)


def deletions(command: Command, script: Script) -> Iterator[Danger]:
    """`kubectl delete` of namespaces and volumes, by a label that may be empty, or by force."""
    if not command.is_call("kubectl delete", "oc delete") or _is_dry(command):
        return
    options = command.own_options
    if command.has_wrapper("xargs", "parallel"):
        yield danger_of(command, "deletes whatever names a search gives", _LOOK)
    kinds = options.rest_values[1].lower().split("/")[0].split(",") if len(options.rest) > 1 else []
    if set(kinds) & set(_HOLDERS):
        what = f"deletes {'/'.join(kinds)} with all that is in it"
        yield danger_of(command, what, "back up and list what is in it first")
    selector = options.word("l", "--selector")
    for expansion in selector.expansions if selector else ():
        if script.variables.may_be_empty(expansion):
            what = f"deletes by a label that is empty when ${expansion.name} is"
            yield danger_of(command, what, f'stop when it is empty: "${{{expansion.name}:?}}"')
    if options.has("--force") or options.long.get("--grace-period") == "0":
        what = "deletes by force: a pod may go on running beside its successor"
        yield danger_of(
            command, what, "leave --force and --grace-period=0 out, and look why it hangs"
        )
    if selector is not None and not options.has("n", "--namespace", "-A"):
        what = "deletes by label in whatever namespace and context happen to be set"
        yield danger_of(command, what, "name them: --context and -n")


def stopped_workloads(command: Command, script: Script) -> Iterator[Danger]:
    """Scaling to nothing, and several at once."""
    if command.is_call("kubectl scale", "oc scale") and not _is_dry(command):
        options = command.own_options
        if options.long.get("--replicas") == "0":
            yield danger_of(
                command, "takes the workload down to no replica", "make sure that none serves"
            )
        if options.has("--all"):
            yield danger_of(command, "scales every workload of the kind", _LOOK)


def all_containers(command: Command, script: Script) -> Iterator[Danger]:
    """`docker rm -f $(docker ps -aq)` and its like."""
    if (
        command.is_call("docker rm", "docker stop", "docker kill", "docker rmi", "podman rm")
        and any("ps -" in word.value or "images -" in word.value for word in command.arguments)
        and not any("filter" in word.value for word in command.arguments)
    ):
        yield danger_of(command, "takes every container or image of the machine", "name them")


def _is_dry(command: Command) -> bool:
    return command.own_options.has("--dry-run")


RULES: tuple[Rule, ...] = (
    by_pattern,
    cloud_deletions,
    deletions,
    stopped_workloads,
    all_containers,
)
