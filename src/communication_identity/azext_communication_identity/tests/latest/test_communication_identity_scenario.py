# SPDX-License-Identifier: MIT
"""The commands against recordings. What they have to do is proven in tests/; this proves that they load and talk
as before under any version of the CLI, without a server.
"""

from __future__ import annotations

from azure.cli.core.azclierror import ResourceNotFoundError
from azure.cli.testsdk import ResourceGroupPreparer

from azext_communication_identity.tests.latest.recording import RecordedTest

RESOURCE = '{"location": "global", "tags": {"team": "chat"}, "properties": {"dataLocation": "unitedstates"}}'


class CommunicationIdentityScenarioTest(RecordedTest):
    """Each test makes a resource and, where it needs them, two user-assigned identities."""

    def make(self, identities: bool = True) -> None:
        self.kwargs.update(name=self.create_random_name("acs", 20), body=RESOURCE)
        self.cmd("resource create -g {rg} -n {name} --resource-type Microsoft.Communication/communicationServices "
                 "--api-version 2023-04-01 --is-full-object -p '{body}'")
        if identities:
            self.kwargs["one"] = self.identity("one")
            self.kwargs["two"] = self.identity("two")

    def identity(self, name: str) -> str:
        """Make a user-assigned identity; its ID. With a location: without one, azure-cli would read that of the group,
        by an api-version that changes with the CLI.
        """
        created = self.cmd(f"identity create -g {{rg}} -n {name} -l westeurope")
        return str(created.get_output_in_json()["id"])

    @ResourceGroupPreparer(name_prefix="cli_test_communication_identity")
    def test_communication_identity_assign(self, resource_group):
        self.make()
        self.cmd("communication identity assign -n {name} -g {rg} --system-assigned", checks=[
            self.check("type", "SystemAssigned"), self.exists("principalId"), self.exists("tenantId")])
        both = self.cmd("communication identity assign -n {name} -g {rg} --user-assigned {one} two", checks=[
            self.check("type", "SystemAssigned,UserAssigned"),
            self.check("length(userAssignedIdentities)", 2)]).get_output_in_json()
        self.assertTrue(all(value["clientId"] for value in both["userAssignedIdentities"].values()))
        again = self.cmd("communication identity assign -n {name} -g {rg} --user-assigned {two}").get_output_in_json()
        self.assertEqual(again, both)
        self.cmd("resource show -g {rg} -n {name} --resource-type Microsoft.Communication/communicationServices "
                 "--api-version 2023-04-01", checks=[self.check("tags.team", "chat")])

    @ResourceGroupPreparer(name_prefix="cli_test_communication_identity")
    def test_communication_identity_remove(self, resource_group):
        self.make()
        self.cmd("communication identity assign -n {name} -g {rg} --system-assigned --user-assigned one two")
        left = self.cmd("communication identity remove -n {name} -g {rg} --user-assigned ONE", checks=[
            self.check("type", "SystemAssigned,UserAssigned")]).get_output_in_json()["userAssignedIdentities"]
        self.assertEqual([key.lower() for key in left], [self.kwargs["two"].lower()])  # services may change the casing
        self.cmd("communication identity remove -n {name} -g {rg} --user-assigned one", expect_failure=True)
        self.cmd("communication identity remove -n {name} -g {rg} --system-assigned --yes", checks=[
            self.check("type", "UserAssigned"), self.check("principalId", None)])
        self.cmd("communication identity remove -n {name} -g {rg} --user-assigned --yes", checks=[
            self.check("@", {"type": "None"})])

    @ResourceGroupPreparer(name_prefix="cli_test_communication_identity")
    def test_communication_identity_show(self, resource_group):
        self.make(identities=False)
        self.cmd("communication identity show -n {name} -g {rg}", checks=[self.check("@", {"type": "None"})])
        assigned = self.cmd("communication identity assign -n {name} -g {rg} --system-assigned").get_output_in_json()
        shown = self.cmd("communication identity show -n {name} -g {rg}").get_output_in_json()
        self.assertEqual(shown, assigned)
        with self.assertRaises(ResourceNotFoundError):
            self.cmd("communication identity show -n absent -g {rg}")

    @ResourceGroupPreparer(name_prefix="cli_test_communication_identity")
    def test_communication_identity_list(self, resource_group):
        self.make(identities=False)
        self.cmd("communication identity list -g {rg}", checks=[
            self.check("[].[name, resourceGroup, type]", [[self.kwargs["name"], resource_group, "None"]])])
        self.cmd("communication identity list --query \"[?name=='{name}'] | length(@)\"", checks=[self.check("@", 1)])

    @ResourceGroupPreparer(name_prefix="cli_test_communication_identity")
    def test_communication_identity_wait(self, resource_group):
        self.make(identities=False)
        self.cmd("communication identity assign -n {name} -g {rg} --system-assigned --no-wait")
        self.cmd("communication identity wait -n {name} -g {rg} --updated", checks=[self.is_empty()])
        self.cmd("communication identity wait -n {name} -g {rg} --custom identity.principalId",
                 checks=[self.is_empty()])
