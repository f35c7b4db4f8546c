# SPDX-License-Identifier: MIT
"""What a principal may do at a scope: reads its role assignments, their role definitions and the deny assignments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from ..model.action_patterns import Element
from ..model.findings import FAILED, UNKNOWN
from ..model.permissions import Access, Assignment, assignment_of, deny_of, elements_of, is_readable, judge, reaches
from ..model.purposes import Purpose
from ..model.requests import RequestError, SharedGet, pages
from ..model.role_assignments import BUILT_IN_ROLES, Role, role_by_id, role_name
from .roles import AUTHORIZATION, ROLES_VERSION, read_role, resolve_role, role_definitions

_SINGLE_READS = 3  # of role definitions; more are read as one list of all
_MANAGEMENT_GROUP = "/providers/microsoft.management/"


class Rights(NamedTuple):
    """The verdict. `role`: the name of the role that was asked for. `known`: the roles that were read, by GUID."""

    access: Access
    role: str
    known: Mapping[str, Role]

    def name_of(self, assignment: Assignment) -> str:
        """The name of the role of an assignment."""
        known = self.known.get(assignment.role)
        return known.name if known and known.name else role_name(assignment.role)


async def rights_for(purpose: Purpose, scope: str, principal: str, now: datetime) -> Rights:
    """Whether a principal may do what a purpose needs. Raises RequestError if this login may not read what tells."""
    assignments = await _assignments(scope, principal)
    guids, refused = sorted({one.role for one in assignments}), None
    known: dict[str, Role] = {}
    if len(guids) > _SINGLE_READS:
        known = {one.guid.lower(): one for one in await role_definitions(scope)}
        guids = []
    for guid in guids:
        try:
            known[guid] = await read_role(scope, guid)
        except RequestError as error:
            refused = error
    access = await _judge(purpose.needs, scope, principal, assignments, known, now=now)
    if refused and access.why == "unreadable":
        raise refused
    return Rights(access, purpose.role, known)


async def role_held(role: str, scope: str, subscription: str, principal: str, now: datetime) -> Rights:
    """Whether a principal has a role, or roles that contain it. Raises RequestError, and as `resolve_role` does."""
    assignments = await _assignments(scope, principal)
    by_id = role_by_id(role, subscription)
    guid = by_id.guid if by_id else next((one for one, name in BUILT_IN_ROLES.items() if name.lower() == role.lower()),
                                         "")
    wanted, known = None, {}
    if {one.role for one in assignments} - {guid.lower()}:  # other roles: one list has all definitions
        known = {one.guid.lower(): one for one in await role_definitions(scope)}
        wanted = next((one for one in known.values() if role.lower() in (one.name.lower(), one.guid.lower())
                       or one.guid.lower() == guid.lower()), None)
    wanted = wanted or await resolve_role(role, scope, subscription)
    need = elements_of(wanted.permissions)
    if need is None:
        return Rights(Access(UNKNOWN, "no-definition"), wanted.name, {})
    known[wanted.guid.lower()] = wanted
    access = await _judge(need, scope, principal, assignments, known, now=now, role=wanted.guid.lower())
    return Rights(access, wanted.name, known)


async def _judge(need: Sequence[Element], scope: str, principal: str, assignments: Sequence[Assignment],
                 known: Mapping[str, Role], *, now: datetime, role: str = "") -> Access:
    """The verdict. Deny assignments are read only if they can change it."""
    elements = {guid: elements_of(one.permissions) for guid, one in known.items()}
    access = judge(need, scope, assignments, elements, (), now=now, role=role)
    if access.status == FAILED:
        return access
    at_scope = quote("atScope()", safe="()")
    rows = await pages(SharedGet(f"{scope}{AUTHORIZATION}/denyAssignments?{ROLES_VERSION}&$filter={at_scope}"), dict)
    principals = {principal, *(one.principal_id for one in assignments)}  # its groups, as far as they have roles
    denies = [deny for deny in (deny_of(row, scope, principals) for row in rows) if deny]
    return judge(need, scope, assignments, elements, denies, now=now, role=role) if denies else access


async def _assignments(scope: str, principal: str) -> list[Assignment]:
    """The role assignments of a principal and its groups at a scope, above, and below (not of a management group)."""
    at_scope = "atScope() and " if scope.lower().startswith(_MANAGEMENT_GROUP) else ""
    address = f"{scope}{AUTHORIZATION}/roleAssignments?{ROLES_VERSION}&$filter="
    request = SharedGet(address + quote(f"{at_scope}assignedTo('{principal}')"))
    rows = await pages(request, dict)
    if not all(is_readable(row, principal) for row in rows):  # then a group's may be anybody's, too
        raise request.unusable("The service's list contains a role assignment that can't be read, or that belongs to "
                               "another principal.")
    return [one for one in map(assignment_of, rows) if reaches(one.scope, scope) or reaches(scope, one.scope)]
