"""Articles, their comments and tags."""

import uuid

import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import config.models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Article',
            fields=[
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', config.models.UpdatedAtField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('title', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('status', models.CharField(db_default='draft', default='draft', max_length=20)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='articles', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'articles_article',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('status__in', ('draft', 'published'))), name='articles_article_status_check'),
                    models.CheckConstraint(condition=models.Q(models.Q(('published_at__isnull', False), ('status', 'published')), models.Q(models.Q(('status', 'published'), _negated=True), ('published_at__isnull', True)), _connector='OR'), name='articles_article_status_published_at_check'),
                ],
                'indexes': [
                    config.models.Index(fields=['created_at', 'id'], name='articles_article_created_at_id_idx'),
                    config.models.Index(fields=['published_at', 'id'], name='articles_article_published_at_id_idx'),
                    config.models.Index(fields=['title', 'id'], name='articles_article_title_id_idx'),
                    config.models.Index(fields=['status', 'created_at', 'id'], name='articles_article_status_created_at_id_idx'),
                    config.models.Index(fields=['author', 'created_at', 'id'], name='articles_article_author_id_created_at_id_idx'),
                    django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('title', config='simple'), name='articles_article_search_idx'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', config.models.UpdatedAtField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('name', models.CharField(max_length=50)),
            ],
            options={
                'db_table': 'articles_tag',
                'constraints': [models.UniqueConstraint(fields=('name',), name='articles_tag_name_key'), models.CheckConstraint(condition=models.Q(('name', django.db.models.functions.text.Lower('name'))), name='articles_tag_name_check')],
            },
        ),
        migrations.CreateModel(
            name='ArticleTag',
            fields=[
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('position', models.IntegerField()),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('article', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='links', to='articles.article')),
                ('tag', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='links', to='articles.tag')),
            ],
            options={
                'db_table': 'articles_articletag',
                'constraints': [
                    models.UniqueConstraint(fields=('article', 'tag'), name='articles_articletag_article_id_tag_id_key'),
                ],
                'indexes': [
                    config.models.Index(fields=['tag', 'article'], name='articles_articletag_tag_id_article_id_idx'),
                ],
                'ordering': ['position'],
            },
        ),
        migrations.AddField(
            model_name='article',
            name='tags',
            field=models.ManyToManyField(related_name='articles', through='articles.ArticleTag', to='articles.tag'),
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', config.models.UpdatedAtField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('body', models.TextField()),
                ('article', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='articles.article')),
                ('author', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='comments', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='articles.comment')),
            ],
            options={
                'db_table': 'articles_comment',
                'indexes': [config.models.Index(fields=['article', 'created_at', 'id'], name='articles_comment_article_id_created_at_id_idx'), config.models.Index(fields=['author'], name='articles_comment_author_id_idx'), config.models.Index(fields=['parent'], name='articles_comment_parent_id_idx')],
            },
        ),
    ]
