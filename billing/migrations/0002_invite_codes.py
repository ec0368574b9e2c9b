"""Everybody has a code to invite friends with."""

from django.db import migrations, models

import billing.models.accounts


def give_codes(apps, schema_editor):
    Account = apps.get_model("billing", "Account")
    for account in Account.objects.filter(invite_code=None).iterator():
        account.invite_code = billing.models.accounts.new_invite_code()
        account.save(update_fields=["invite_code"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [
        migrations.AddField("account", "invite_code", models.CharField(max_length=16, null=True)),
        migrations.RunPython(give_codes, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            "account",
            "invite_code",
            models.CharField(
                max_length=16, unique=True, default=billing.models.accounts.new_invite_code
            ),
        ),
    ]
