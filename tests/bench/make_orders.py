"""People who have each opened a purchase at YooKassa. Prints its ids and our orders as JSON."""

from __future__ import annotations

import json
import sys
import uuid

import django


def main(number: int) -> dict[str, str]:
    from billing.models import Account, Payment, Product
    from billing.payments import opening
    from telegram_integration.models import User

    product = Product.objects.get(code="pack-100")
    people = User.objects.bulk_create(User(username=f"buyer{n}") for n in range(number))
    accounts = Account.objects.bulk_create(Account(user=user) for user in people)
    orders = [opening.row(account, product, "yookassa") for account in accounts]
    for order in orders:
        order.idempotence_key, order.status = f"payment:{order.code.hex}", "pending"
        order.gateway_id = str(uuid.uuid4())
    Payment.objects.bulk_create(orders)
    return {order.gateway_id: str(order.code) for order in orders}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(int(sys.argv[1]))))
