"""The words of Ansible: keys of plays and tasks, and the modules of its own collection."""

from __future__ import annotations

from tools.code.wordlist import words

_COMMON = words(
    """
        name tags when become become_user become_method become_flags become_exe environment vars
        module_defaults collections any_errors_fatal check_mode connection debugger diff
        ignore_errors ignore_unreachable no_log port remote_user run_once throttle timeout
        """
)
PLAY_KEYS = frozenset(
    [
        *_COMMON,
        *words(
            """
        hosts tasks pre_tasks post_tasks handlers roles gather_facts gather_subset
        gather_timeout vars_files vars_prompt serial strategy max_fail_percentage order
        force_handlers fact_path import_playbook ansible.builtin.import_playbook
        validate_argspec user
        """
        ),
    ]
)
TASK_KEYS = frozenset(
    [
        *_COMMON,
        *words(
            """
        action local_action args async poll changed_when failed_when delay retries until
        delegate_to delegate_facts loop loop_control notify register listen first_available_file
        """
        ),
    ]
)
# The modules that are known by a short name.
MODULES = frozenset(
    words(
        """
        add_host apt apt_key apt_repository assemble assert async_status blockinfile command
        copy cron deb822_repository debconf debug dnf dnf5 dpkg_selections expect fail fetch
        file find gather_facts get_url getent git group group_by hostname import_playbook
        import_role import_tasks include include_role include_tasks include_vars iptables
        known_hosts lineinfile meta mount_facts package package_facts pause ping pip raw reboot
        replace rpm_key script service service_facts set_fact set_stats setup shell slurp stat
        subversion systemd systemd_service sysvinit tempfile template unarchive uri user
        validate_argument_spec wait_for wait_for_connection yum yum_repository acl alternatives
        archive at authorized_key docker_compose docker_container docker_image docker_network
        docker_volume ec2 ec2_instance filesystem firewalld gem git_config haproxy helm htpasswd
        ini_file k8s k8s_info k8s_scale kubernetes locale_gen lvg lvol modprobe mount mysql_db
        mysql_query mysql_user nmcli npm openssl_certificate openssl_privatekey pam_limits
        parted patch pids postgresql_db postgresql_query postgresql_user rabbitmq_user redis
        sefcontext selinux seboolean slack snap ssh_config supervisorctl synchronize sysctl
        timezone ufw win_command win_copy win_file win_service win_shell xml zypper s3_bucket
        aws_s3 s3_object cloudformation terraform consul_kv
        """
    )
)
COMMANDS = ("command", "shell", "raw", "script")


def short_name(module: str) -> str:
    """The module's own name, without its collection."""
    return module.rpartition(".")[2]
