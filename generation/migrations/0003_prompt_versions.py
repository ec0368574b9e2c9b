"""Prompts become versions. Those that nobody edited go: the default in code stands in for them."""

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def drop_untouched(apps, schema_editor):
    apps.get_model("generation", "Prompt").objects.filter(author=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("generation", "0002_providers"),
    ]
    operations = [
        migrations.RenameField("prompt", "zone", "name"),
        migrations.RenameField("prompt", "updated_by", "author"),
        migrations.RenameField("prompt", "updated_at", "created_at"),
        migrations.RunPython(drop_untouched, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            "prompt",
            "name",
            models.CharField(max_length=16, help_text="a zone, or assistant"),
        ),
        migrations.AlterField(
            "prompt", "created_at", models.DateTimeField(default=django.utils.timezone.now)
        ),
        migrations.AddField("prompt", "number", models.PositiveIntegerField(default=1)),
        migrations.AlterModelOptions("prompt", options={"ordering": ["name", "-number"]}),
        migrations.AddConstraint(
            "prompt",
            models.UniqueConstraint(fields=["name", "number"], name="prompt_version_once"),
        ),
    ]
