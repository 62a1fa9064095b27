curl -sS http://localhost:9003/api/s2s \
  -H 'Content-Type: application/json' \
  -d '{
    "public_key": "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
    "terNO": 42,
    "integration-type": "s2s",
    "bill_amt": "11.11",
    "bill_currency": "USD",
    "product_name": "Testing Product",
    "reference": "order-1001",
    "webhook_url": "https://shop.example/webhook",
    "return_url": "https://shop.example/return",
    "bill_ip": "198.51.100.7",
    "mop": "CC",
    "ccno": "4111111111111111",
    "ccvv": "123",
    "month": "01",
    "year": "30"
  }'
