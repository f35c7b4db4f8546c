# SPDX-License-Identifier: MIT
"""Help texts and examples."""

from knack.help_files import helps

# Microsoft's `communication` extension has a better text for the group. This one is shown without it.
helps.setdefault("communication", """
type: group
short-summary: Manage Azure Communication Services.
""")

helps["communication identity"] = """
type: group
short-summary: Manage the managed identities of Azure Communication Services resources.
long-summary: >-
    A resource can have one system-assigned identity, which is deleted with the resource, and any number of
    user-assigned identities, which are resources of their own (az identity). These commands change only the identity
    block of a resource. If your shell completes az commands, the Tab key also completes the names of resources, identities,
    roles and scopes.
"""

helps["communication identity assign"] = """
type: command
short-summary: Assign managed identities to a resource.
long-summary: >-
    Keeps the identities that the resource already has. Writes nothing if the specified identities are already assigned.
    Prints the identity block.
examples:
  - name: Enable the system-assigned identity.
    text: az communication identity assign --system-assigned --name myApp --resource-group myResourceGroup
  - name: Assign a user-assigned identity by its resource ID.
    text: >
        az communication identity assign --name myApp --resource-group myResourceGroup --user-assigned
        /subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/myResourceGroup/providers/Microsoft.ManagedIdentity/userAssignedIdentities/myIdentity
  - name: Enable the system-assigned identity and assign two user-assigned identities from the resource's own group by name.
    text: az communication identity assign -n myApp -g myResourceGroup --system-assigned --user-assigned myIdentity otherIdentity
  - name: Show what would change, without changing anything.
    text: az communication identity assign -n myApp -g myResourceGroup --system-assigned --dry-run --output table
  - name: Enable the system-assigned identity and print its principal ID.
    text: az communication identity assign -n myApp -g myResourceGroup --system-assigned --query principalId --output tsv
  - name: Enable the system-assigned identity and grant it access to an Azure AI resource.
    text: >
        az communication identity assign -n myApp -g myResourceGroup --system-assigned --role "Cognitive Services User"
        --scope /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup/providers/Microsoft.CognitiveServices/accounts/myAI
  - name: Enable the system-assigned identity on every resource without an identity, in all subscriptions.
    text: >
        az communication identity list --all-subscriptions --query "[?type=='None'].id" --output tsv |
        az communication identity assign --system-assigned --ids "@-"
"""

helps["communication identity remove"] = """
type: command
short-summary: Remove managed identities from a resource.
long-summary: >-
    Keeps the other identities. Removing the system-assigned identity deletes its principal. Its role assignments remain
    and grant access to no one; to delete them too, add --delete-role-assignments. A user-assigned identity isn't
    deleted, only removed from the resource. In a terminal, the command asks for confirmation before it removes the
    system-assigned identity, the last identity, or all user-assigned identities without naming them. Prints the
    remaining identity block.
examples:
  - name: Remove the system-assigned identity without a prompt.
    text: az communication identity remove --system-assigned --name myApp --resource-group myResourceGroup --yes
  - name: Remove one user-assigned identity.
    text: az communication identity remove -n myApp -g myResourceGroup --user-assigned myIdentity
  - name: Remove all user-assigned identities.
    text: az communication identity remove -n myApp -g myResourceGroup --user-assigned --yes
  - name: Remove the system-assigned identity and then delete its role assignments.
    text: az communication identity remove -n myApp -g myResourceGroup --system-assigned --delete-role-assignments --yes
  - name: Show what would change if you removed every identity, without changing anything.
    text: az communication identity remove -n myApp -g myResourceGroup --system-assigned --user-assigned --dry-run --output table
"""

helps["communication identity show"] = """
type: command
short-summary: Show the managed identities of a resource.
long-summary: >-
    Prints the identity block: its type, the principal ID of the system-assigned identity, and the client ID and
    principal ID of each user-assigned identity. The type of a resource without an identity is None.
examples:
  - name: Show the identities of a resource as a table.
    text: az communication identity show --name myApp --resource-group myResourceGroup --output table
  - name: Print the principal ID of the system-assigned identity.
    text: az communication identity show -n myApp -g myResourceGroup --query principalId --output tsv
  - name: Show the roles that the identities hold, in every subscription that you can read.
    text: az communication identity show -n myApp -g myResourceGroup --roles --output table
  - name: Show the identities of a resource by its resource ID.
    text: az communication identity show --ids /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup/providers/Microsoft.Communication/communicationServices/myApp
"""

helps["communication identity list"] = """
type: command
short-summary: List resources with their managed identities.
long-summary: >-
    Lists the Communication Services resources in the group, the subscription, or all subscriptions, each with its name,
    resource ID and identity block. The type of a resource without an identity is None.
examples:
  - name: List the resources in the subscription and their identities as a table.
    text: az communication identity list --output table
  - name: List the resources in a group and their identities.
    text: az communication identity list --resource-group myResourceGroup
  - name: Print the resource IDs of all resources without an identity.
    text: az communication identity list --query "[?type=='None'].id" --output tsv
  - name: List the resources that use a user-assigned identity, in all subscriptions.
    text: az communication identity list --all-subscriptions --user-assigned myIdentity --output table
"""

helps["communication identity check"] = """
type: command
short-summary: Check whether the identities of a resource work, and have the access that they need.
long-summary: >-
    Changes nothing. Each finding is ok, warning, failed or unknown. Unknown means that the command can't tell, for
    example because your login lacks a permission. If commands can fix a failure, "fix" contains them. The exit code is
    1 if a check failed or is unknown.
    Without --for and --role, checks the identities themselves.
examples:
  - name: Check whether the identities exist and work.
    text: az communication identity check --name myApp --resource-group myResourceGroup
  - name: Check whether calls can use an Azure AI resource.
    text: >
        az communication identity check -n myApp -g myResourceGroup --for azure-ai
        --scope /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup/providers/Microsoft.CognitiveServices/accounts/myAI
  - name: Check whether recordings can be stored in your own storage account.
    text: >
        az communication identity check -n myApp -g myResourceGroup --for recording
        --scope /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup/providers/Microsoft.Storage/storageAccounts/mystorage
  - name: Check whether each identity can read a resource group, and show the result as a table.
    text: >
        az communication identity check -n myApp -g myResourceGroup --role Reader
        --scope /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myResourceGroup --output table
  - name: Print the commands that fix what failed.
    text: az communication identity check -n myApp -g myResourceGroup --query "findings[].fix" --output tsv
  - name: Check all resources in all subscriptions, and show only those with a problem.
    text: >
        az communication identity list --all-subscriptions --query "[].id" --output tsv |
        az communication identity check --ids "@-" --query "[?status!='ok']"
"""

helps["communication identity wait"] = """
type: command
short-summary: Wait until a resource meets a condition.
long-summary: Use it after assign or remove with --no-wait, or after you create a resource.
examples:
  - name: Wait until an update of the resource has finished.
    text: az communication identity wait --updated --name myApp --resource-group myResourceGroup
  - name: Wait up to 5 minutes for the resource to be created, and check every 10 seconds.
    text: az communication identity wait -n myApp -g myResourceGroup --created --interval 10 --timeout 300
  - name: Wait until the system-assigned identity has its principal ID.
    text: az communication identity wait -n myApp -g myResourceGroup --custom identity.principalId
"""
